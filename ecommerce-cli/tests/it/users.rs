use serde_json::Value;

use crate::program::{Place, Run, on_both};

fn create_admin(place: &Place, email: &str, password: &str) -> Run {
    let words = ["user", "create-admin", "--email", email, "--password-stdin"];
    Run::reading(&mut place.command(&words), password.as_bytes())
}

#[test]
fn s29_the_first_admin_is_made_from_standard_input() {
    on_both("admin", |place| {
        let run = create_admin(place, "Ann@Example.com", "correct horse\n");
        assert_eq!((run.code, run.out.as_str()), (0, "Ann@Example.com can now sign in as an admin.\n"), "{}", run.err);

        let run = create_admin(place, "ann@example.com", "another password");
        assert_eq!(run.code, 1);
        assert!(run.err.contains("exists already") && run.err.contains("`ecommerce user set-role`"), "{}", run.err);

        let users = place.json(&["user", "list"]);
        let [user] = users.as_array().unwrap().as_slice() else { panic!("{users}") };
        assert_eq!((&user["email"], &user["role"]), (&Value::from("Ann@Example.com"), &Value::from("admin")));
        let mut fields: Vec<_> = user.as_object().unwrap().keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["created_at", "email", "id", "name", "role"], "nothing of the password is shown");
    });
}

#[test]
fn a_bad_password_is_refused_before_an_account_is_made() {
    let place = Place::sqlite();
    for password in ["", "short", &"x".repeat(129)] {
        let run = create_admin(&place, "ann@example.com", password);
        assert_eq!(run.code, 1);
        assert!(run.err.starts_with("error: the password must have 8 to 128 characters"), "{}", run.err);
    }
    for (password, reason) in
        [("Password1", "must not be one of the most common ones"), ("ann@example.com", "must not be the e-mail")]
    {
        let run = create_admin(&place, "Ann@example.com", password);
        assert_eq!((run.code, run.err.as_str()), (1, format!("error: the password {reason}\n").as_str()));
    }
    let run = Run::reading(
        &mut place.command(&["user", "create-admin", "--email", "a@b.co", "--password-stdin"]),
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
    );
    assert_eq!(run.code, 1, "{}", run.err);
    assert_eq!(place.json(&["user", "list"]).as_array().unwrap().len(), 0);
}

#[test]
fn a_role_is_given_and_taken() {
    on_both("role", |place| {
        create_admin(place, "ann@example.com", "correct horse");
        let user = place.json(&["user", "set-role", "--email", "ANN@example.com", "--role", "customer"]);
        assert_eq!(user["role"], "customer");
        assert!(place.ok(&["user", "list"]).contains("customer"));
        let error = place.fails(&["user", "set-role", "--email", "bob@example.com", "--role", "admin"]);
        assert!(error.contains("bob@example.com") && error.contains("`ecommerce user list`"), "{error}");
    });
}

#[test]
fn s11_an_account_is_disabled_and_enabled() {
    on_both("disable", |place| {
        create_admin(place, "ann@example.com", "correct horse");
        assert_eq!(place.ok(&["user", "disable", "--email", "ANN@example.com"]), "ann@example.com cannot sign in any more.\n");
        assert!(place.ok(&["user", "list"]).contains("yes"));
        let user = place.json(&["user", "enable", "--email", "ann@example.com"]);
        assert_eq!(user["email"], "ann@example.com");
        assert!(!place.ok(&["user", "list"]).contains("yes"));
        let error = place.fails(&["user", "disable", "--email", "bob@example.com"]);
        assert!(error.contains("bob@example.com") && error.contains("`ecommerce user list`"), "{error}");
        let log = place.json(&["audit"]);
        assert_eq!((&log[0]["action"], &log[1]["action"]), (&Value::from("user.enabled"), &Value::from("user.disabled")));
    });
}
