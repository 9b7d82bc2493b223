//! The one guard in front of the one router: origin, host, token, scope, in this order, before anything of
//! the request but its head is read. A path that is not in the table asks for a token too, so that a
//! stranger learns nothing.

use crate::{
    config::Config,
    http::{
        reply::Refusal,
        routes::{self, Found, Lookup},
    },
    tokens::{Scope, Tokens},
};
use hyper::{
    HeaderMap, StatusCode, Version,
    header::{self, HeaderValue},
    http::request::Parts,
};
use std::net::{IpAddr, SocketAddr};

/// What the guard compares requests with.
#[derive(Debug)]
pub(crate) struct Guard {
    tokens: Tokens,
    hosts: Vec<String>,
    /// Whether predictions are open to all: for clients that can't send a token, on loopback alone.
    open: bool,
    /// Whether any IP address is a name of the server, as it listens on all.
    any_address: bool,
}

impl Guard {
    /// Makes the guard of a server; it listens on these addresses.
    pub(crate) fn new(tokens: Tokens, listen: &[SocketAddr], config: &Config) -> Self {
        let mut hosts = vec!["127.0.0.1".to_owned(), "localhost".to_owned(), "[::1]".to_owned()];
        let literal = |listen: &SocketAddr| match listen.ip() {
            IpAddr::V6(own) => format!("[{own}]"),
            IpAddr::V4(own) => own.to_string(),
        };
        hosts.extend(listen.iter().map(literal));
        hosts.extend(config.names.iter().cloned());
        Self {
            tokens,
            hosts,
            open: config.open,
            any_address: listen.iter().any(|own| own.ip().is_unspecified()),
        }
    }

    /// Finds the route of a request and checks that it may be taken.
    pub(crate) fn admit<'p>(&self, parts: &'p Parts) -> Result<Found<'p>, Refusal> {
        let lookup = routes::find(&parts.method, parts.uri.path());
        let scopes = match &lookup {
            Lookup::Found(found) => Some(found.route.scopes),
            _ => None,
        };
        self.check(parts, scopes)?;
        match lookup {
            Lookup::Found(found) => Ok(found),
            lookup => Err(routes::refusal(lookup).closing()),
        }
    }

    /// Checks that a gRPC method may be called; `None` for one that is not served.
    pub(crate) fn admit_method(
        &self,
        parts: &Parts,
        scopes: Option<&'static [Scope]>,
    ) -> Result<(), Refusal> {
        self.check(parts, scopes)
    }

    /// Returns whether a request with one Host header, one token and no Origin header may take a route.
    pub(crate) fn admits(&self, host: &str, token: &str, scopes: &[Scope]) -> bool {
        self.is_own(without_port(host)) && self.tokens.scope(token).is_some_and(|scope| scope.opens(scopes))
    }

    fn is_own(&self, host: &str) -> bool {
        let address = || host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
        self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host)) || (self.any_address && address())
    }

    /// Checks origin, host, token and scope; `scopes` are those of the route, `None` when there is none.
    fn check(&self, parts: &Parts, scopes: Option<&'static [Scope]>) -> Result<(), Refusal> {
        if parts.headers.contains_key(header::ORIGIN) {
            return Err(forbidden("origin", "requests from web pages are not answered").closing());
        }
        self.check_host(parts)?;
        if scopes.is_some_and(<[Scope]>::is_empty) {
            return Ok(());
        }
        if self.open && scopes.is_some_and(|scopes| scopes.contains(&Scope::Infer)) {
            return Ok(());
        }
        let scope = bearer(&parts.headers).and_then(|token| self.tokens.scope(token));
        match (scope, scopes) {
            (None, _) => Err(Refusal::new(
                StatusCode::UNAUTHORIZED,
                "token",
                "no valid token; send the header \"Authorization: Bearer TOKEN\" with the token of a token file",
            )
            .closing()),
            (Some(scope), Some(scopes)) if !scope.opens(scopes) => {
                let wanted: Vec<&str> = scopes.iter().map(|scope| scope.word()).collect();
                let message = format!(
                    "the token is for {}; this path needs the token for {} or manage",
                    scope.word(),
                    wanted.join(" or ")
                );
                Err(forbidden("scope", &message.replace("manage or manage", "manage")).closing())
            }
            (Some(_), _) => Ok(()),
        }
    }

    /// Refuses hosts that are not this server's names: a web page whose name was pointed at the loopback
    /// address sends its own name.
    fn check_host(&self, parts: &Parts) -> Result<(), Refusal> {
        let mut hosts = parts.headers.get_all(header::HOST).iter();
        let named = hosts.next().and_then(|host| host.to_str().ok());
        let known = |host: &str| self.is_own(host);
        // HTTP/2 names the host in the request's target, and a Host header may be absent.
        let absent = parts.version == Version::HTTP_2 && parts.uri.authority().is_some();
        let header_known = match (named, hosts.next()) {
            (Some(host), None) => known(without_port(host)),
            (None, _) => absent && !parts.headers.contains_key(header::HOST),
            _ => false,
        };
        let target_known =
            parts.uri.authority().is_none_or(|authority| known(without_port(authority.as_str())));
        if header_known && target_known {
            return Ok(());
        }
        Err(forbidden("host", "the Host header is not a name of this server").closing())
    }
}

fn forbidden(code: &'static str, message: &str) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, code, message)
}

/// Cuts the port off a host; a bracketed IPv6 address keeps its brackets.
fn without_port(host: &str) -> &str {
    match host.rfind(':') {
        Some(at) if !host.ends_with(']') && host[at + 1..].bytes().all(|byte| byte.is_ascii_digit()) => {
            &host[..at]
        }
        _ => host,
    }
}

fn bearer(headers: &HeaderMap<HeaderValue>) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    (values.next().is_none() && scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_cut_off() {
        for (host, expected) in [
            ("localhost:80", "localhost"),
            ("localhost", "localhost"),
            ("[::1]:9", "[::1]"),
            ("[::1]", "[::1]"),
            ("evil:80:x", "evil:80:x"),
            ("127.0.0.1:", "127.0.0.1"),
        ] {
            assert_eq!(without_port(host), expected);
        }
    }
}
