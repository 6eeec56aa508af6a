//! The pages: plain HTML that needs no script. Every text in them that came from outside is escaped.

mod overview;
mod payment;

use std::{
    fmt::{self, Write},
    time::Duration,
};

use warp::{
    http::{
        HeaderValue, Method, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
            X_FRAME_OPTIONS,
        },
    },
    reply::Response,
};

use super::{
    acts::{Act, ActError},
    call::{Call, Reply},
    faults::Faults,
    house::House,
};

/// How long a browser waits for the shop to hear of what was done, before it is led on.
const PATIENCE: Duration = Duration::from_secs(2);

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#222}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem .3rem 0;border-bottom:1px solid #ddd}\
td.sum,th.sum{text-align:right}form{display:inline-block;margin:.2rem .4rem .2rem 0}button{font:inherit;padding:.3rem .8rem}\
input[type=number],input[type=text]{font:inherit;width:7rem}.note{background:#fff4d6;padding:.5rem .8rem}\
label{display:inline-block;min-width:22rem;margin:.15rem 0}";

/// Answers what is not a call of the API.
pub(super) async fn answer(house: &House, call: &Call) -> Response {
    let path: Vec<_> = call.path.trim_matches('/').split('/').collect();
    match (&call.method, path.as_slice()) {
        (&Method::GET, [""]) => page("Sandbox", &house.with(|books| overview::body(books))),
        (&Method::GET, ["done"]) => done(call),
        (&Method::GET, ["pay", id]) => match house.with(|books| payment::body(books, house.url(), id)) {
            Some(body) => page("Payment", &body),
            None => refusal(ActError::Unknown),
        },
        (&Method::POST, ["pay", id, deed]) => act(house, call, id, deed).await,
        (&Method::GET, ["faults"]) => faults(house),
        (&Method::POST, ["faults"]) => set_faults(house, call),
        _ => message(StatusCode::NOT_FOUND, "There is nothing at this address."),
    }
}

/// Does what a button says, and leads the browser on.
async fn act(house: &House, call: &Call, id: &str, deed: &str) -> Response {
    let done = house.with(|books| {
        let act = payment::act_named(deed, books.get(id).ok_or(ActError::Unknown)?, &call.fields()).ok_or(ActError::NotNow)?;
        books.act(id, act)?;
        let leaves = act == Act::Pay;
        Ok(books.get(id).and_then(|held| payment::way_back(held, house.url())).filter(|_| leaves))
    });
    match done {
        Err(error) => refusal(error),
        Ok(way_back) => {
            // The shop mostly knows before the customer is back.
            house.settled(PATIENCE).await;
            see_other(&way_back.unwrap_or_else(|| format!("/pay/{id}")))
        }
    }
}

fn done(call: &Call) -> Response {
    let fields = call.fields();
    let order = fields.iter().find(|(name, _)| name == "order").map_or("", |(_, order)| order.as_str());
    let body = format!(
        "<h1>Thank you</h1><p>This page stands for your own shop's: the customer comes here after the payment of order {}.</p>\
        <p><a href=\"/\">What the sandbox holds</a></p>",
        Escaped(order)
    );
    page("Thank you", &body)
}

fn faults(house: &House) -> Response {
    let fields = house.with(|books| books.desk.chance.faults().fields());
    Reply::new(200, fields.into()).into_response()
}

/// Sets all faults: by JSON, which answers them, or by the form of the overview, which leads back there.
fn set_faults(house: &House, call: &Call) -> Response {
    let told = if call.is_json() { Faults::of_json(&call.body) } else { Faults::of_form(&call.body) };
    match told {
        Err(invalid) => message(StatusCode::BAD_REQUEST, &invalid.to_string()),
        Ok(told) => {
            house.set_faults(told);
            if call.is_json() { faults(house) } else { see_other("/") }
        }
    }
}

fn refusal(error: ActError) -> Response {
    let status = if error == ActError::Unknown { StatusCode::NOT_FOUND } else { StatusCode::CONFLICT };
    message(status, &format!("{error}."))
}

fn message(status: StatusCode, text: &str) -> Response {
    let mut response = page("Sandbox", &format!("<p>{}</p><p><a href=\"/\">What the sandbox holds</a></p>", Escaped(text)));
    *response.status_mut() = status;
    response
}

fn see_other(url: &str) -> Response {
    let Ok(url) = HeaderValue::from_str(url) else { return message(StatusCode::BAD_REQUEST, "That is no address.") };
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, url);
    response
}

fn page(title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
        <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    );
    let mut response = Response::new(html.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// A text as it may stand in HTML, also in an attribute.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| match letter {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            other => f.write_char(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Escaped;

    #[test]
    fn what_came_from_outside_is_no_html() {
        let text = Escaped("<b onclick=\"x\">Mug & 'spoon'</b>").to_string();
        assert_eq!(text, "&lt;b onclick=&quot;x&quot;&gt;Mug &amp; &#39;spoon&#39;&lt;/b&gt;");
    }
}
