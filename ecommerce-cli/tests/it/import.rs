use serde_json::{Value, json};

use crate::program::{Place, Run, on_both, skipped, workspace};

const SHOPIFY: &str = "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,\
    Variant Inventory Qty,Variant Price,Image Src\r\n\
    pot,Clay Plant Pot,\"<p>Classic &amp; clay</p>\r\n<p>for plants</p>\",ACME,Outdoor,\"Pot, Plants\",true,Size,Regular,,1,9.99,a.jpg\r\n\
    pot,,,,,,,,Large,P-L,3,15.99,b.jpg\r\n\
    pot,,,,,,,,,,,,c.jpg\r\n\
    light,Copper Light,,ACME,Indoor,,true,Title,Default Title,'007,-2,59.99,\r\n\
    mug,Mug,,ACME,,,false,Title,Default Title,,4,5,\r\n\
    mug-2,Mug,,ACME,,,true,Title,Default Title,,5,6,\r\n";

fn by_name<'a>(products: &'a Value, name: &str) -> &'a Value {
    let found = products.as_array().unwrap().iter().find(|product| product["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {products}"))
}

fn report(created: u64, updated: u64, unchanged: u64, categories_created: u64) -> Value {
    json!({"created": created, "updated": updated, "unchanged": unchanged, "categories_created": categories_created})
}

#[test]
fn our_own_columns_make_and_change_products() {
    on_both("own", |place| {
        let file = place.write("a.csv", "name,price,stock,category,sku\nMug,5,1,Kitchen,M\nCup,4,2,kitchen,\nRug,90,3,Hall,\n");
        assert_eq!(place.json(&["product", "import", &file]), report(3, 0, 0, 2));
        assert_eq!(place.json(&["product", "import", &file]), report(0, 0, 3, 0));

        let file = place.write("b.csv", "\u{feff}Stock,Name,SKU,Price\r\n7,Big mug,M,5\r\n2,cup,,4.5\r\n1,Vase,V,30\r\n");
        let shown = place.ok(&["product", "import", &file]);
        assert_eq!(shown, "3 products: 1 created, 2 updated, 0 unchanged; 0 new categories.\n");
        let products = place.json(&["product", "list"]);
        let mug = by_name(&products, "Big mug");
        assert_eq!((&mug["id"], &mug["stock"], &mug["category"]["name"]), (&json!(1), &json!(7), &json!("Kitchen")));
        assert_eq!(by_name(&products, "cup")["price"], "4.50");
        assert_eq!(products.as_array().unwrap().len(), 4);
        let movements = &place.json(&["stock", "show", "1"])["movements"];
        assert_eq!((&movements[0]["change"], &movements[0]["reason"]), (&json!(6), &json!("imported")));
    });
}

#[test]
fn a_shopify_export_comes_in_whole_and_a_second_time_changes_nothing() {
    on_both("shopify", |place| {
        let file = place.write("shopify.csv", SHOPIFY);
        assert_eq!(place.json(&["product", "import", &file]), report(5, 0, 0, 2));
        let products = place.json(&["product", "list"]);
        let pot = by_name(&products, "Clay Plant Pot (Regular)");
        assert_eq!(pot["description"], "Classic & clay\n\nfor plants");
        assert_eq!((&pot["price"], &pot["stock"], &pot["category"]["name"]), (&json!("9.99"), &json!(1), &json!("Outdoor")));
        assert_eq!(by_name(&products, "Clay Plant Pot (Large)")["sku"], "P-L");
        let light = by_name(&products, "Copper Light");
        assert_eq!((&light["stock"], &light["sku"]), (&json!(0), &json!("007")));
        assert_eq!(by_name(&products, "Mug")["is_available"], false);
        assert_eq!(by_name(&products, "Mug (mug-2)")["price"], "6.00");

        assert_eq!(place.json(&["product", "import", &file]), report(0, 0, 5, 0));
        assert_eq!(place.json(&["product", "list"]), products);
    });
}

#[test]
fn a_real_export_comes_in_whole() {
    let file = workspace().join("../shared/fixtures/catalog/home-and-garden.csv");
    if !file.exists() {
        skipped(&format!("the import of a real export: there is none at {}", file.display()));
        return;
    }
    on_both("real", |place| {
        let file = file.display().to_string();
        assert_eq!(place.json(&["product", "import", &file]), report(21, 0, 0, 2));
        assert_eq!(place.json(&["product", "import", &file]), report(0, 0, 21, 0));
        let products = place.json(&["product", "list"]);
        assert_eq!(by_name(&products, "Clay Plant Pot (Large)")["price"], "15.99");
        assert_eq!(by_name(&products, "Cream Sofa")["description"], "Comfortable cream sofa with wooden base");
        let out = place.file("out.csv").display().to_string();
        place.ok(&["product", "export", &out]);
        assert_eq!(place.json(&["product", "import", &out]), report(0, 0, 21, 0));
    });
}

#[test]
fn a_bad_line_is_named_and_nothing_is_imported() {
    on_both("bad", |place| {
        let shopify = |line: &str| format!("{SHOPIFY}{line}\r\n");
        for (text, fault) in [
            ("name,price,stock\nMug,5,1\nCup,x,1\n".to_owned(), "line 3, column price: must be a decimal number"),
            ("name,price,stock\nMug,5,1\n\n\nCup,5,-1\n".to_owned(), "line 5, column stock: must be a whole number"),
            ("name,price,stock\r\n\"Mug\r\nMug\",5,1\r\n".to_owned(), "line 2, column name: must not contain control characters"),
            ("name,price,stock,description\nMug,5,1,\"a\nb\"\nCup,5,,\n".to_owned(), "line 4, column stock: must be a whole"),
            ("name,price,stock\nMug,5,1\nCup,5\n".to_owned(), "line 3: has 2 columns, the header has 3"),
            ("name,price,stock\nMug,5,1\nCup,1,000,5\n".to_owned(), "line 3: has 4 columns, the header has 3"),
            ("name,price,stock,sku\nMug,5,1,M\nCup,6,1,M\n".to_owned(), "line 3, column sku: is that of an earlier line"),
            ("name,price,stock,colour\nMug,5,1,red\n".to_owned(), "line 1, column colour: is not known"),
            ("name,stock\nMug,1\n".to_owned(), "line 1, column price: is missing"),
            (String::new(), "line 1: the header is missing"),
            (shopify("vase,Vase,,,,,,,,,1,,"), "line 9, column Variant Price: must be a decimal number"),
            (shopify("vase,Vase,,,,,,,,,many,5,"), "line 9, column Variant Inventory Qty: must be a whole number"),
            (shopify("vase,,,,,,,,,,1,5,"), "line 9, column Title: is empty"),
        ] {
            let file = place.write("bad.csv", &text);
            let error = place.fails(&["product", "import", &file]);
            assert!(error.starts_with(&format!("error: {file} {fault}")), "{text}: {error}");
            assert!(error.contains("nothing was imported"), "{error}");
        }
        let file = place.write("latin1.csv", b"name,price,stock\nMug,5,1\nCaf\xe9,5,1\n");
        let error = place.fails(&["product", "import", &file]);
        assert!(error.contains("line 3: is not UTF-8"), "{error}");
        let error = place.fails(&["product", "import", &place.file("missing.csv").display().to_string()]);
        assert!(error.contains("cannot read"), "{error}");

        assert_eq!(place.json(&["product", "list"]), json!([]));
        assert_eq!(place.json(&["category", "list"]), json!([]));
    });
}

#[test]
fn all_bad_lines_are_named_at_once() {
    let place = Place::sqlite();
    let file = place.write("bad.csv", format!("name,price,stock\n{}", ",x,y\n".repeat(10)));
    let error = place.fails(&["product", "import", &file]);
    assert_eq!(error.lines().count(), 22, "{error}");
    assert!(error.contains("and 10 more"), "{error}");
}

#[test]
fn standard_input_is_a_file_too() {
    let place = Place::sqlite();
    let mut command = place.command(&["product", "import", "-", "--currency", "JPY"]);
    let run = Run::reading(&mut command, b"name,price,stock\nMug,500,1\n");
    assert_eq!(run.out, "1 product: 1 created, 0 updated, 0 unchanged; 0 new categories.\n", "{}", run.err);
    assert_eq!(run.err, "", "no progress bar where there is no terminal");
    assert_eq!(place.json(&["product", "show", "1"])["currency"], "JPY");
}
