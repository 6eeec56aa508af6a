//! What the OpenAPI document says of every operation alike: how to sign in, and how requests are refused.

use utoipa::{
    Modify, PartialSchema, ToSchema,
    openapi::{
        Content, OpenApi, PathItem, Ref, RefOr, Response, Type,
        path::{Operation, ParameterIn},
        schema::{ArrayItems, Schema, SchemaType},
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use crate::problem::ProblemBody;

/// The one way to sign in.
pub(crate) struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut OpenApi) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some(
            "The token that `/register/` or `/login/` answers, as `Authorization: Bearer <key>` or `Authorization: Token <key>`."
                .to_owned(),
        );
        document.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// Answers have all their fields always, null or not.
pub(crate) struct Answers;

impl Modify for Answers {
    fn modify(&self, document: &mut OpenApi) {
        for schema in document.components.get_or_insert_default().schemas.values_mut() {
            if let RefOr::T(schema) = schema {
                complete(schema);
            }
        }
    }
}

/// Adds to every operation the refusals that follow from its shape, and to every refusal the one shape they all have.
pub(crate) struct Refusals;

impl Modify for Refusals {
    fn modify(&self, document: &mut OpenApi) {
        let schemas = &mut document.components.get_or_insert_default().schemas;
        schemas.insert("Problem".to_owned(), ProblemBody::schema());
        let mut parts = Vec::new();
        ProblemBody::schemas(&mut parts);
        schemas.extend(parts);
        for item in document.paths.paths.values_mut() {
            for operation in operations_mut(item) {
                if let Some(RefOr::T(body)) = &mut operation.request_body {
                    body.content.values_mut().for_each(without_null);
                }
                for (status, code) in refusals(operation) {
                    operation.responses.responses.entry(status.to_owned()).or_insert_with(|| Response::new(code).into());
                }
                for (status, response) in &mut operation.responses.responses {
                    if let (RefOr::T(response), true) = (response, status.starts_with(['4', '5'])) {
                        let problem = Content::new(Some(Ref::from_schema_name("Problem")));
                        response.content.insert("application/problem+json".to_owned(), problem.into());
                    }
                }
            }
        }
    }
}

fn refusals(operation: &Operation) -> Vec<(&'static str, &'static str)> {
    let security = operation.security.as_deref().unwrap_or_default();
    let admin = security.contains(&SecurityRequirement::new("bearer", ["admin"]));
    let parameters = operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(&parameter.parameter_in),
        RefOr::Ref(_) => None,
    });
    let (mut in_path, mut in_query) = (false, false);
    for place in parameters {
        in_path |= *place == ParameterIn::Path;
        in_query |= *place == ParameterIn::Query;
    }
    let body = match &operation.request_body {
        Some(RefOr::T(body)) => Some(body.content.contains_key("application/json")),
        Some(RefOr::Ref(_)) => Some(true),
        None => None,
    };
    let (body, json) = (body.is_some(), body == Some(true));
    let refusals = [
        (json, "400", "`invalid_json`"),
        (admin || security.contains(&SecurityRequirement::new::<_, [&str; 0], _>("bearer", [])), "401", "`unauthenticated`"),
        (admin, "403", "`forbidden`"),
        (in_path, "404", "`not_found`"),
        (body, "408", "`request_timeout`"),
        (body, "413", "`payload_too_large`"),
        (json, "415", "`unsupported_media_type`"),
        (json || in_query, "422", "`invalid_request`, with `errors` by field"),
        (true, "500", "`internal`"),
        (true, "503", "`unavailable`: try again in a moment"),
    ];
    refusals.into_iter().filter(|(applies, ..)| *applies).map(|(_, status, code)| (status, code)).collect()
}

/// A body that may be left out is no `null` where it is there, though utoipa describes an `Option` so.
fn without_null(content: &mut RefOr<Content>) {
    if let RefOr::T(content) = content
        && let Some(RefOr::T(Schema::OneOf(either))) = &content.schema
        && let [given, RefOr::T(Schema::Object(nothing))] = either.items.as_slice()
        && nothing.schema_type == SchemaType::Type(Type::Null)
    {
        content.schema = Some(given.clone());
    }
}

/// Marks every field of an answer as always there. A request refuses fields that it does not know, an answer does not.
fn complete(schema: &mut Schema) {
    match schema {
        Schema::Object(object) if object.additional_properties.is_none() => {
            object.required = object.properties.keys().cloned().collect();
            for property in object.properties.values_mut() {
                if let RefOr::T(schema) = property {
                    complete(schema);
                }
            }
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items
                && let RefOr::T(schema) = &mut **items
            {
                complete(schema);
            }
        }
        _ => {}
    }
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten()
}
