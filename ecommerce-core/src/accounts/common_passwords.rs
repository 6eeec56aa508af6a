//! Passwords that everybody tries first.

/// One a line, in lower case; where they come from stands beside them.
const COMMON: &str = include_str!("../../data/common-passwords.txt");

/// Is it one of the most common passwords, in whatever capitals?
///
/// Only whole passwords count: a phrase of common words is a good one. Looking takes about a hundredth of the time that
/// hashing does, and no memory.
pub(super) fn is_common(password: &str) -> bool {
    COMMON.lines().any(|common| common.eq_ignore_ascii_case(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_passwords_count_in_any_capitals() {
        for common in ["password", "PassWord", "12345678", "iloveyou", "qwertyuiop", "Football", "1q2w3e4r"] {
            assert!(is_common(common), "{common} is not on the list");
        }
        for good in
            ["correct horse", "correct horse battery staple", "demo-customer", "a long secret 42", "passwordpasswordpassword"]
        {
            assert!(!is_common(good), "{good} is on the list");
        }
        assert!(!is_common("") && !is_common("password\n12345678") && !is_common("password\r"));
    }

    #[test]
    fn the_list_is_as_it_is_described() {
        assert!((3_000..=10_000).contains(&COMMON.lines().count()));
        for line in COMMON.lines() {
            assert!(line.len() >= 8 && line.is_ascii() && !line.contains(char::is_control), "{line:?}");
        }
    }
}
