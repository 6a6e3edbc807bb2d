//! What is called, what is not, and what comes of answers.

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

/// A server that answers each connection with the next of these texts.
async fn serve(answers: Vec<String>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    base
}

#[test]
fn only_allowed_hosts_may_be_called() {
    let rules = HostRules::new(["API.example.com".into(), "other.example.com:8443".into()])
        .with_services(["https://svc.example.com/base", "not a url", ""]);
    for allowed in [
        "http://127.0.0.1:1/x",
        "http://localhost/",
        "http://[::1]:9/",
        "https://api.example.com/",
        "http://api.example.com:99/",
        "https://other.example.com:8443/",
        "https://svc.example.com/y",
    ] {
        rules.check(&url(allowed)).unwrap();
    }
    for (refused, kind) in [
        ("https://example.com/", ErrorKind::PermissionDenied),
        ("https://other.example.com/", ErrorKind::PermissionDenied),
        ("http://svc.example.com/", ErrorKind::PermissionDenied),
        ("http://localhost.example.com/", ErrorKind::PermissionDenied),
        ("http://169.254.169.254/latest", ErrorKind::PermissionDenied),
        ("http://127.0.0.1@example.com/", ErrorKind::PermissionDenied),
        ("file:///etc/passwd", ErrorKind::InvalidArgument),
    ] {
        assert_eq!(
            rules.check(&url(refused)).unwrap_err().kind(),
            kind,
            "{refused}"
        );
    }
}

#[test]
fn only_loopback_leads_to_loopback_and_nobody_chooses_as_whom() {
    let rules = HostRules::new(["a.example.com".into()])
        .with_services(["http://svc.example.com", "http://127.0.0.1:80"]);
    let leads = |from: &str, to: &str| rules.check_redirect(&url(from), &url(to));
    for (from, to) in [
        ("http://localhost:1/", "https://[::1]:2/x"),
        ("http://svc.example.com/", "http://svc.example.com/x"),
        ("http://svc.example.com/", "https://a.example.com/"),
        ("http://127.0.0.1:1/", "http://svc.example.com/"),
        ("http://svc.example.com/", "http://127.0.0.1/registered"),
    ] {
        leads(from, to).unwrap();
    }
    for (from, to) in [
        ("http://svc.example.com/", "http://127.0.0.1:22/"),
        ("http://svc.example.com/", "http://localhost/"),
        ("http://127.0.0.1:1/", "http://b.example.com/"),
        ("http://127.0.0.1:1/", "http://anna:S3CRET@127.0.0.1:1/"),
        ("http://127.0.0.1:1/", "http://:S3CRET@127.0.0.1:1/"),
    ] {
        let error = leads(from, to).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{to}");
        assert!(!error.message().contains("S3CRET"), "{error}");
    }
}

#[tokio::test]
async fn a_redirect_is_checked_like_a_request() {
    let answer = |to: &str| {
        format!(
            "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
    };
    let base = serve(vec![
        answer("https://example.com/"),
        answer("/ok"),
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok".into(),
    ])
    .await;
    let client = HttpClient::new(HostRules::default()).unwrap();
    let error = client.send(HttpRequest::get(url(&base))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    let answer = client.send(HttpRequest::get(url(&base))).await.unwrap();
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, b"ok".as_slice())
    );
}

#[tokio::test]
async fn nobody_there_and_too_slow_are_told_apart() {
    let client = HttpClient::new(HostRules::default()).unwrap();
    let nobody = client
        .send(HttpRequest::get(url("http://127.0.0.1:1/secret?token=abc")))
        .await
        .unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::Unavailable);
    assert!(!format!("{nobody:?}").contains("abc"), "{nobody:?}");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut slow = HttpRequest::get(url(&format!("http://{}", listener.local_addr().unwrap())));
    slow.timeout = Some(Duration::from_millis(50));
    assert_eq!(
        client.send(slow).await.unwrap_err().kind(),
        ErrorKind::DeadlineExceeded
    );
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let base = serve(vec![format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {0}\r\n\r\n{1}",
        MAX_BODY * 2,
        "x".repeat(MAX_BODY + 1)
    )])
    .await;
    let error = HttpClient::new(HostRules::default())
        .unwrap()
        .send(HttpRequest::get(url(&base)))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResourceExhausted);
}
