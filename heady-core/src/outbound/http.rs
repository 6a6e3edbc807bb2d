//! The HTTP client: allowed hosts only, bounded answers, every redirect checked again.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Once;
use std::time::Duration;

pub(crate) use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode};

use crate::error::{Error, ErrorKind, Result};

/// The most an answer's body may weigh, in bytes.
const MAX_BODY: usize = 8 << 20;

/// How much of an answer's body is read where only its status is asked for.
const STATUS_BODY: usize = 64 << 10;

const MAX_REDIRECTS: usize = 5;

/// The time a request has unless it says otherwise; that of the users' resource policies.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Which hosts may be called. Loopback always may.
#[derive(Debug, Clone, Default)]
pub(crate) struct HostRules {
    allowed: Vec<String>,
}

impl HostRules {
    /// Allows these hosts, each `host` (any port) or `host:port`.
    pub(crate) fn new(hosts: impl IntoIterator<Item = String>) -> Self {
        Self {
            allowed: hosts
                .into_iter()
                .map(|host| host.to_ascii_lowercase())
                .collect(),
        }
    }

    /// These rules and the hosts of these base URLs, each with its port.
    pub(crate) fn with_services<'a>(&self, base_urls: impl IntoIterator<Item = &'a str>) -> Self {
        let hosts = base_urls.into_iter().filter_map(|base| {
            let url = Url::parse(base).ok()?;
            Some(format!(
                "{}:{}",
                url.host_str()?,
                url.port_or_known_default()?
            ))
        });
        Self {
            allowed: self.allowed.iter().cloned().chain(hosts).collect(),
        }
    }

    /// # Errors
    /// `INVALID_ARGUMENT` for a URL without a host or with another scheme than http and https, `PERMISSION_DENIED`
    /// for a host that is not allowed.
    pub(crate) fn check(&self, url: &Url) -> Result<()> {
        self.check_named(url, is_loopback(url))
    }

    /// Whether an answer from one URL may lead to another. Only what is on loopback itself leads to loopback: a distant host
    /// must not choose which local port is asked, nor as whom.
    ///
    /// # Errors
    /// As [`HostRules::check`], and `PERMISSION_DENIED` for a URL with credentials.
    fn check_redirect(&self, from: &Url, to: &Url) -> Result<()> {
        if !to.username().is_empty() || to.password().is_some() {
            return Err(Error::permission_denied(format!(
                "{} redirects to a URL with credentials, which are not sent",
                origin(from)
            )));
        }
        self.check_named(to, is_loopback(from) && is_loopback(to))
    }

    fn check_named(&self, url: &Url, is_local: bool) -> Result<()> {
        let ("http" | "https", Some(host)) = (url.scheme(), url.host_str()) else {
            return Err(Error::invalid_argument(
                "a URL to call begins with http:// or https:// and names a host",
            ));
        };
        let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
        if is_local
            || self
                .allowed
                .iter()
                .any(|allowed| allowed == host || *allowed == with_port)
        {
            return Ok(());
        }
        Err(Error::permission_denied(format!(
            "the host '{host}' is not allowed; the operator can allow it (--allow-host {host})"
        )))
    }
}

/// By what the URL says, not by what a name server answers: a name that resolves to loopback is not loopback.
fn is_loopback(url: &Url) -> bool {
    match url
        .host_str()
        .map(|host| host.trim_start_matches('[').trim_end_matches(']'))
    {
        Some("localhost") => true,
        Some(host) => host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct HttpRequest {
    pub(crate) method: String,
    pub(crate) url: Url,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) timeout: Option<Duration>,
}

impl HttpRequest {
    /// A GET of this URL.
    pub(crate) fn get(url: Url) -> Self {
        Self {
            method: "GET".to_owned(),
            url,
            headers: BTreeMap::new(),
            body: None,
            timeout: None,
        }
    }
}

/// One answer, whole.
#[derive(Debug, Clone)]
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// A client whose connections are kept and shared; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct HttpClient {
    client: reqwest::Client,
    rules: HostRules,
}

impl HttpClient {
    pub(crate) fn new(rules: HostRules) -> Result<Self> {
        Self::build(rules, usize::MAX)
    }

    /// The same client with a connection of its own for each request: it finds out whether a newcomer is served, and
    /// thousands of hosts do not leave thousands of sockets open.
    pub(crate) fn without_pool(&self) -> Result<Self> {
        Self::build(self.rules.clone(), 0)
    }

    fn build(rules: HostRules, idle_per_host: usize) -> Result<Self> {
        static CRYPTO: Once = Once::new();
        CRYPTO.call_once(|| {
            // An error means that the host program has installed a provider already, which serves as well.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let builder = || {
            reqwest::Client::builder()
                .pool_max_idle_per_host(idle_per_host)
                .redirect(reqwest::redirect::Policy::none())
                .user_agent(concat!("heady/", env!("CARGO_PKG_VERSION")))
        };
        // A small container may have no root certificates, and yet only services on plain HTTP to call, or none: with
        // an empty list of them HTTPS trusts nobody, and the rest works.
        let client = builder()
            .build()
            .or_else(|error| {
                tracing::warn!("HTTPS will fail, there are no root certificates: {error}");
                builder().tls_certs_only([]).build()
            })
            .map_err(|error| Error::internal("the HTTP client cannot be made").caused_by(error))?;
        Ok(Self { client, rules })
    }

    /// The same client with other rules.
    pub(crate) fn with_rules(&self, rules: HostRules) -> Self {
        Self {
            client: self.client.clone(),
            rules,
        }
    }

    pub(crate) fn rules(&self) -> &HostRules {
        &self.rules
    }

    /// Sends a request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` for a host that is not allowed, also behind a redirect; `DEADLINE_EXCEEDED`; `UNAVAILABLE`
    /// when nobody answers; `RESOURCE_EXHAUSTED` for an answer over 8 MiB; `INVALID_ARGUMENT` for a malformed request.
    pub(crate) async fn send(&self, request: HttpRequest) -> Result<HttpResponse> {
        let timeout = request.timeout.unwrap_or(DEFAULT_TIMEOUT);
        let place = origin(&request.url);
        within(timeout, &place, async {
            read(self.follow(request).await?).await
        })
        .await
    }

    /// Asks for the status of an answer alone. Its body is read, since an answer that never ends is none, but no further
    /// than 64 KiB.
    ///
    /// # Errors
    /// As [`HttpClient::send`], but for the size of the answer.
    pub(crate) async fn status(&self, url: Url, timeout: Duration) -> Result<u16> {
        let place = origin(&url);
        within(timeout, &place, async {
            let mut response = self.follow(HttpRequest::get(url)).await?;
            let mut size = 0;
            while size < STATUS_BODY
                && let Some(chunk) = chunk(&mut response).await?
            {
                size += chunk.as_ref().len();
            }
            Ok(response.status().as_u16())
        })
        .await
    }

    /// Sends a request and those that its answers redirect to.
    async fn follow(&self, request: HttpRequest) -> Result<reqwest::Response> {
        let mut method = Method::from_bytes(request.method.to_ascii_uppercase().as_bytes())
            .map_err(|error| {
                Error::invalid_argument(format!("'{}' is no HTTP method", request.method))
                    .caused_by(error)
            })?;
        let headers = headers(&request.headers)?;
        let (mut url, mut body) = (request.url, request.body);
        self.rules.check(&url)?;
        for _ in 0..=MAX_REDIRECTS {
            let mut builder = self
                .client
                .request(method.clone(), url.clone())
                .headers(headers.clone());
            if let Some(body) = &body {
                builder = builder.body(body.clone());
            }
            let response = builder.send().await.map_err(|error| failed(&url, error))?;
            let Some(next) = redirect(&response) else {
                return Ok(response);
            };
            let next = url.join(&next).map_err(|error| {
                Error::unavailable(format!(
                    "{} redirects to a place that is no URL",
                    origin(&url)
                ))
                .caused_by(error)
            })?;
            self.rules.check_redirect(&url, &next)?;
            if origin(&next) != origin(&url) && !headers.is_empty() {
                // Headers may carry credentials, which were meant for the first host only.
                return Err(Error::permission_denied(format!(
                    "{} redirects to {}, and the request's headers are not for that host",
                    origin(&url),
                    origin(&next)
                )));
            }
            // RFC 9110, 15.4: 307 and 308 repeat the request, the others continue with GET.
            if !matches!(
                response.status(),
                StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
            ) && method != Method::HEAD
            {
                (method, body) = (Method::GET, None);
            }
            url = next;
        }
        Err(Error::unavailable(format!(
            "more than {MAX_REDIRECTS} redirects, the last to {}",
            origin(&url)
        )))
    }
}

async fn within<T>(
    timeout: Duration,
    place: &str,
    answer: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::time::timeout(timeout, answer).await.map_err(|_| {
        Error::deadline_exceeded(format!(
            "{place} did not answer within {} ms",
            timeout.as_millis()
        ))
    })?
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn headers(headers: &BTreeMap<String, String>) -> Result<HeaderMap> {
    headers
        .iter()
        .map(|(name, value)| {
            // The value stays out of the message: it may be a credential.
            let invalid = |error: &dyn std::fmt::Display| {
                Error::invalid_argument(format!("header '{name}': {error}"))
            };
            let header =
                HeaderName::from_bytes(name.as_bytes()).map_err(|error| invalid(&error))?;
            let mut value = HeaderValue::from_str(value).map_err(|error| invalid(&error))?;
            value.set_sensitive(true);
            Ok((header, value))
        })
        .collect()
}

fn redirect(response: &reqwest::Response) -> Option<String> {
    let status = response.status();
    if !status.is_redirection() || status == StatusCode::NOT_MODIFIED {
        return None;
    }
    response
        .headers()
        .get(LOCATION)?
        .to_str()
        .ok()
        .map(str::to_owned)
}

async fn chunk(response: &mut reqwest::Response) -> Result<Option<impl AsRef<[u8]> + use<>>> {
    match response.chunk().await {
        Ok(chunk) => Ok(chunk),
        Err(error) => Err(failed(&response.url().clone(), error)),
    }
}

async fn read(mut response: reqwest::Response) -> Result<HttpResponse> {
    let place = origin(response.url());
    let content_type = response
        .headers()
        .get(reqwest::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let mut body = Vec::new();
    while let Some(chunk) = chunk(&mut response).await? {
        let chunk = chunk.as_ref();
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Error::resource_exhausted(format!(
                "the answer of {place} is larger than {MAX_BODY} bytes"
            )));
        }
        body.extend_from_slice(chunk);
    }
    Ok(HttpResponse {
        status: response.status().as_u16(),
        content_type,
        body,
    })
}

fn failed(url: &Url, error: reqwest::Error) -> Error {
    let kind = if error.is_timeout() {
        ErrorKind::DeadlineExceeded
    } else if error.is_builder() || error.is_request() && !error.is_connect() && error.is_body() {
        ErrorKind::InvalidArgument
    } else {
        ErrorKind::Unavailable
    };
    // The URL may carry a token in its query, so only its origin is named.
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(next) = cause {
        reason = next.to_string();
        cause = next.source();
    }
    Error::new(kind, format!("{} cannot be reached: {reason}", origin(url))).caused_by(error)
}

impl HttpResponse {
    /// The error that this status means when another was expected.
    pub(crate) fn unexpected(&self, place: &str) -> Error {
        let kind = match self.status {
            400 | 422 => ErrorKind::InvalidArgument,
            401 => ErrorKind::Unauthenticated,
            403 => ErrorKind::PermissionDenied,
            404 => ErrorKind::NotFound,
            408 | 504 => ErrorKind::DeadlineExceeded,
            429 => ErrorKind::ResourceExhausted,
            500.. => ErrorKind::Unavailable,
            _ => ErrorKind::FailedPrecondition,
        };
        Error::new(
            kind,
            format!("{place} answered with status {}", self.status),
        )
    }
}
