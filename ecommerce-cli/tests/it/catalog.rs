use std::fs;

use serde_json::{Value, json};

use crate::program::{Place, on_both};

fn names(products: &Value) -> Vec<&str> {
    products.as_array().unwrap().iter().map(|product| product["name"].as_str().unwrap()).collect()
}

#[test]
fn a_catalog_is_kept_by_hand() {
    on_both("catalog", |place| {
        let kitchen = place.json(&["category", "create", "--name", "Kitchen", "--description", "Cooks and serves"]);
        assert_eq!((&kitchen["id"], &kitchen["description"]), (&json!(1), &json!("Cooks and serves")));
        let mug = place.json(&[
            "product",
            "create",
            "--name",
            "Mug",
            "--price",
            "12.5",
            "--stock",
            "3",
            "--category",
            "1",
            "--sku",
            "M-1",
            "--attribute",
            "size=M",
            "--attribute",
            "Color=dark red",
        ]);
        assert_eq!(mug["attributes"], json!({"Color": "dark red", "size": "M"}));
        assert_eq!(mug["price"], "12.50");
        assert_eq!((&mug["currency"], &mug["sku"], &mug["is_available"]), (&json!("USD"), &json!("M-1"), &json!(true)));
        assert_eq!(mug["category"], json!({"id": 1, "name": "Kitchen"}));

        let mug = place.json(&["product", "update", "1", "--price", "500", "--currency", "JPY", "--no-category"]);
        assert_eq!((&mug["price"], &mug["currency"], &mug["category"]), (&json!("500"), &json!("JPY"), &Value::Null));
        let mug = place.json(&["product", "update", "1", "--price", "600", "--is-available", "false", "--no-sku"]);
        assert_eq!((&mug["price"], &mug["currency"], &mug["sku"]), (&json!("600"), &json!("JPY"), &Value::Null));
        assert_eq!(place.json(&["product", "show", "1"]), mug, "the command line sees what customers do not");

        assert_eq!(mug["attributes"], json!({"Color": "dark red", "size": "M"}), "what is not named stays");

        let shown = place.ok(&["product", "show", "1"]);
        assert!(shown.contains("Attributes  Color=dark red, size=M"), "{shown}");
        let blue = place.json(&["product", "update", "1", "--attribute", "color=blue"]);
        assert_eq!(blue["attributes"], json!({"color": "blue"}));
        assert_eq!(place.json(&["product", "update", "1", "--no-attributes"])["attributes"], json!({}));
        assert!(shown.contains("600 JPY") && shown.contains("Available   no"), "{shown}");
        assert!(place.ok(&["category", "show", "1"]).contains("Cooks and serves"));
        assert_eq!(place.json(&["category", "update", "1", "--name", "Table"])["name"], "Table");
        assert_eq!(place.json(&["category", "delete", "1"]), json!({"deleted": 1}));
        assert_eq!(place.ok(&["product", "delete", "1"]), "Product 1 is deleted.\n");
        assert_eq!(place.ok(&["product", "list"]), "No products.\n");
    });
}

#[test]
fn categories_stand_in_a_tree() {
    on_both("tree", |place| {
        assert_eq!(place.json(&["category", "create", "--name", "Home"])["parent"], Value::Null);
        assert_eq!(place.json(&["category", "create", "--name", "Kitchen", "--parent", "1"])["parent"], 1);
        place.ok(&["product", "create", "--name", "Mug", "--price", "5", "--stock", "3", "--category", "2"]);
        assert_eq!(names(&place.json(&["product", "list", "--category", "1"])), ["Mug"]);
        assert!(place.ok(&["category", "list"]).contains("Parent"));
        assert!(place.ok(&["category", "show", "2"]).contains("Parent   1"));

        let error = place.fails(&["category", "update", "1", "--parent", "2"]);
        assert!(error.contains("--parent must not be the category itself or one below it"), "{error}");
        let error = place.fails(&["category", "delete", "1"]);
        assert!(error.contains("still has products or categories below it"), "{error}");
        assert_eq!(place.json(&["category", "update", "2", "--no-parent"])["parent"], Value::Null);
        assert_eq!(names(&place.json(&["product", "list", "--category", "1"])), [] as [&str; 0]);
        place.ok(&["category", "update", "1", "--parent", "2"]);
        place.ok(&["doctor"]);
    });
}

#[test]
fn refusals_say_what_to_do() {
    on_both("refusals", |place| {
        place.ok(&["category", "create", "--name", "Kitchen"]);
        place.ok(&["product", "create", "--name", "Mug", "--price", "5", "--stock", "3", "--category", "1", "--sku", "M"]);
        for (words, part) in [
            (&["product", "show", "7"][..], "there is no product 7; `ecommerce product list`"),
            (&["product", "update", "7", "--stock", "1"], "there is no product 7"),
            (&["product", "update", "7", "--price", "1"], "there is no product 7"),
            (&["product", "delete", "7"], "there is no product 7"),
            (&["stock", "show", "7"], "there is no product 7"),
            (&["category", "create", "--name", "Pans", "--parent", "7"], "--parent there is no category 7"),
            (&["category", "show", "7"], "there is no category 7; `ecommerce category list`"),
            (&["category", "create", "--name", "KITCHEN"], "exists already; take another name"),
            (&["category", "delete", "1"], "still has products or categories below it; move them"),
            (&["product", "create", "--name", "Cup", "--price", "5", "--stock", "3", "--sku", "M"], "take another SKU"),
            (&["product", "create", "--name", "Cup", "--price", "5", "--stock", "3", "--category", "7"], "--category "),
            (&["stock", "adjust", "1", "--by", "-4", "--reason", "lost"], "--by takes more than the 3 pieces"),
        ] {
            let error = place.fails(words);
            assert!(error.contains(part), "{words:?}: {error}");
        }
    });
}

#[test]
fn a_list_is_whole_unless_a_part_is_asked_for() {
    on_both("list", |place| {
        let lines: String = (0..230).map(|number| format!("Mug {number:03},{number},{}\n", number % 2)).collect();
        let file = place.write("mugs.csv", format!("name,price,stock\n{lines}"));
        place.ok(&["product", "import", &file]);
        assert_eq!(names(&place.json(&["product", "list"])).len(), 230);
        assert_eq!(names(&place.json(&["product", "list", "--page", "2"])).len(), 20);
        assert_eq!(names(&place.json(&["product", "list", "--page", "3", "--page-size", "100"])).len(), 30);
        assert_eq!(names(&place.json(&["product", "list", "--ordering", "-price", "--page-size", "1"])), ["Mug 229"]);
        assert_eq!(names(&place.json(&["product", "list", "--ordering=-name", "--page-size", "1"])), ["Mug 229"]);
        assert_eq!(names(&place.json(&["product", "list", "--in-stock"])).len(), 115);
        assert_eq!(names(&place.json(&["product", "list", "--in-stock", "false"])).len(), 115);
        assert_eq!(names(&place.json(&["product", "list", "--min-price", "7", "--max-price", "9.50"])).len(), 3);
        assert_eq!(names(&place.json(&["product", "list", "--search", "mug 007"])), ["Mug 007"]);
    });
}

#[test]
fn a_search_tells_what_its_hits_have_in_common() {
    on_both("search", |place| {
        let file = place.write(
            "mugs.csv",
            "name,price,stock,category,attributes\nRed mug,5,1,Kitchen,color=red\nBlue mug,7,1,Kitchen,color=blue\nMug tree,20,0,,\n",
        );
        place.ok(&["product", "import", &file]);
        let found = place.json(&["product", "search", "mug", "--facets", "attr.color,price,category", "--page-size", "2"]);
        assert_eq!((&found["count"], &found["count_is"]), (&json!(3), &json!("exact")));
        assert_eq!(names(&found["results"]), ["Mug tree", "Red mug"]);
        assert_eq!(found["facets"]["price"], json!({"min": "5.00", "max": "20.00"}));
        assert_eq!(found["facets"]["attr.color"], json!([{"value": "blue", "count": 1}, {"value": "red", "count": 1}]));
        let cursor = found["next_cursor"].as_str().unwrap();
        let rest = place.json(&["product", "search", "mug", "--page-size", "2", "--cursor", cursor]);
        assert_eq!((names(&rest["results"]), &rest["next_cursor"]), (vec!["Blue mug"], &json!(null)));

        let shown = place.ok(&["product", "search", "mgu", "mug", "--attribute", "color=red", "--facets", "attr.color"]);
        assert!(shown.contains("No products."), "{shown}");
        let shown = place.ok(&["product", "search", "kitchen", "--attribute", "color=red", "--facets", "attr.color"]);
        assert!(
            shown.contains("Red mug") && shown.contains("1 product\n") && shown.contains("attr.color: blue (1), red (1)"),
            "{shown}"
        );
        assert_eq!(names(&place.json(&["product", "search", "mug -tree -red"])["results"]), ["Blue mug"]);
        let error = place.fails(&["product", "search", "mug", "--cursor", "00"]);
        assert!(error.contains("cursor is not a cursor of this list"), "{error}");
    });
}

#[test]
fn stock_tells_where_it_came_from() {
    on_both("stock", |place| {
        place.ok(&["product", "create", "--name", "Mug", "--price", "5", "--stock", "3"]);
        place.ok(&["stock", "adjust", "1", "--by", "10", "--reason", "Delivery 7"]);
        let report = place.json(&["stock", "adjust", "1", "--by", "-1", "--reason", "broken"]);
        assert_eq!((&report["product"], &report["stock"], &report["reserved"]), (&json!(1), &json!(12), &json!(0)));
        let changes: Vec<_> = report["movements"].as_array().unwrap().iter().map(|movement| &movement["change"]).collect();
        assert_eq!(changes, [-1, 10, 3]);
        assert_eq!(place.json(&["stock", "show", "1"]), report);
        let shown = place.ok(&["stock", "show", "1"]);
        assert!(shown.contains("+10") && shown.contains("Delivery 7") && shown.contains("On hand   12"), "{shown}");
    });
}

#[test]
fn what_is_exported_is_taken_back_unchanged() {
    on_both("export", |place| {
        let original = "name,price,stock,category,description,currency,is_available,sku,attributes\n\
            \"Mug, \"\"large\"\"\",12.50,3,Kitchen & Co,\"Two\r\nlines, \",USD,true,=1+1,\"Color=dark, \"\"red\"\"\nsize==\"\n\
            -Spoon,500,0,,,JPY,false,,\n\
            Café ☕,1.250,1000000000,kitchen & co,+ @ é,KWD,true,-7,größe=½\n";
        let file = place.write("in.csv", original);
        place.ok(&["product", "import", &file]);
        let before = place.json(&["product", "list"]);
        let out = place.file("out.csv").display().to_string();
        let run = place.run(&["product", "export", &out]);
        assert_eq!((run.code, run.out.as_str()), (0, ""), "{}", run.err);
        assert!(run.err.contains("3 products written to"), "{}", run.err);
        let exported = fs::read_to_string(&out).unwrap();
        assert_eq!(exported, original.replace("kitchen & co", "Kitchen & Co"));
        assert_eq!(place.ok(&["product", "export", "-"]), exported);

        let report = place.json(&["product", "import", &out]);
        assert_eq!(report, json!({"created": 0, "updated": 0, "unchanged": 3, "categories_created": 0}));
        assert_eq!(place.json(&["product", "list"]), before);

        let error = place.fails(&["product", "export", &out]);
        assert!(error.contains("exists already") && error.contains("--force"), "{error}");
        place.ok(&["product", "export", &out, "--force"]);
        assert_eq!(fs::read_to_string(&out).unwrap(), exported);
        let error = place.fails(&["product", "export", &place.file("no/such/folder.csv").display().to_string()]);
        assert!(error.contains("cannot write"), "{error}");
    });
}

#[test]
fn a_store_elsewhere_takes_an_export() {
    let (here, there) = (Place::sqlite(), Place::sqlite());
    let file = here.write("in.csv", "name,price,stock,sku\nMug,5,1,M\nCup,4,2,\n");
    here.ok(&["product", "import", &file, "--currency", "EUR"]);
    let out = here.file("out.csv").display().to_string();
    here.ok(&["product", "export", &out]);
    there.ok(&["product", "import", &out]);
    assert_eq!(there.ok(&["product", "export", "-"]), fs::read_to_string(&out).unwrap());
    assert_eq!(there.json(&["product", "show", "1"])["currency"], "EUR");
}
