//! How a server stops: whom it still answers, and for whom it does not wait.

use axum::body::Body;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

/// Long before the time is over in which requests under way are answered.
const SOON: Duration = Duration::from_secs(20);

const LARGE: usize = 16 << 20;

/// An answer that no socket takes at once, without a look at the body.
async fn large() -> Body {
    Body::from(vec![b'x'; LARGE])
}

/// A server that can be stopped, and what its calls wait for.
struct Stoppable {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<()>>,
    /// As many calls were begun.
    begun: Arc<Semaphore>,
    /// As many may end.
    end: Arc<Semaphore>,
}

impl Stoppable {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let (begun, end) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let slow = {
            let (begun, end) = (begun.clone(), end.clone());
            async move |body: String| {
                begun.add_permits(1);
                end.acquire().await.unwrap().forget();
                body
            }
        };
        // Which does not look at the body.
        let unread = {
            let slow = slow.clone();
            async move || slow(String::new()).await
        };
        let router = Router::new()
            .route("/", get(async || "here"))
            .route("/large", get(large).post(large))
            .route("/slow", get(unread).post(slow));
        let served = tokio::spawn(serve(listener, router, async {
            let _ = stopped.await;
        }));
        Self {
            address,
            stop,
            served,
            begun,
            end,
        }
    }

    /// A connection on which this was sent.
    async fn send(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }
}

/// What comes until the server closes.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // One that is closed on what it did not read may be reset.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(SOON, future).await;
    done.unwrap_or_else(|_| panic!("{what}"))
}

const HALF_A_HEAD: &str = "POST /slow HTTP/1.1\r\nhost: loc";

#[tokio::test]
async fn half_a_request_does_not_hold_up_the_stop_and_a_whole_one_is_answered() {
    let server = Stoppable::start().await;
    // What becomes of half a request where nobody stops, sent before the others.
    let other = Stoppable::start().await;
    let patient = other.send(HALF_A_HEAD).await;

    let post = "POST /slow HTTP/1.1\r\nhost: localhost\r\n";
    let half_a_head = server.send(HALF_A_HEAD).await;
    let half_a_body = server
        .send(&format!("{post}content-length: 9\r\n\r\nhalf"))
        .await;
    let half_a_chunk = server
        .send(&format!(
            "{post}transfer-encoding: chunked\r\n\r\n9\r\nhalf"
        ))
        .await;
    let mut halves = vec![half_a_head, half_a_body, half_a_chunk];
    // The same after a request that was answered.
    for half in [HALF_A_HEAD, &format!("{post}content-length: 9\r\n\r\nhalf")] {
        let mut kept = server
            .send("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await;
        let mut answer = String::new();
        while !answer.ends_with("here") {
            answer.push(kept.read_u8().await.unwrap().into());
        }
        kept.write_all(half.as_bytes()).await.unwrap();
        halves.push(kept);
    }
    let slow = server
        .send(&format!("{post}content-length: 5\r\n\r\nwhole"))
        .await;
    let chunked = format!("{post}transfer-encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n");
    let chunked = server.send(&chunked).await;
    server.begun.acquire_many(2).await.unwrap().forget();
    let mut large = server
        .send("GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await;
    large.read_exact(&mut [0; 12]).await.unwrap();

    server.stop.send(()).unwrap();
    let halves = async {
        for half in halves {
            let answer = rest(half).await;
            assert!(!answer.contains("200 OK"), "{answer}");
        }
    };
    tokio::select! {
        biased;
        answer = rest(patient) => panic!("{answer}: the server waits as if it did not stop"),
        () = soon("the server does not wait for the rest", halves) => {}
    }
    assert!(
        !server.served.is_finished(),
        "two clients have no answer yet"
    );
    let answer = soon("an answer that is made is sent", rest(large)).await;
    assert_eq!(answer.matches('x').count(), LARGE);
    server.end.add_permits(2);
    for whole in [slow, chunked] {
        let answer = soon("what was whole is answered", rest(whole)).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("whole"),
            "{answer}"
        );
    }
    soon("then the server ends", server.served)
        .await
        .unwrap()
        .unwrap();
}

/// Bodies that mean nothing, as proxies and clients send them, and answers that did not wait for one.
#[tokio::test]
async fn what_needs_no_body_is_answered_whatever_becomes_of_it() {
    const BODIES: [&str; 3] = [
        "content-length: 2\r\n\r\n{}",
        "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "content-length: 9\r\n\r\nhalf",
    ];
    let server = Stoppable::start().await;
    let request = |what: &str, body: &str| format!("{what} HTTP/1.1\r\nhost: localhost\r\n{body}");
    let mut large = Vec::new();
    for body in BODIES {
        for what in ["GET /large", "POST /large"] {
            let mut stream = server.send(&request(what, body)).await;
            stream.read_exact(&mut [0; 12]).await.unwrap();
            large.push((what, body, stream));
        }
    }
    let mut slow = Vec::new();
    for body in &BODIES[..2] {
        slow.push(server.send(&request("GET /slow", body)).await);
    }
    let slow_begun = u32::try_from(slow.len()).unwrap();
    server
        .begun
        .acquire_many(slow_begun)
        .await
        .unwrap()
        .forget();
    let half = server.send(HALF_A_HEAD).await;

    server.stop.send(()).unwrap();
    // From here on nobody who is owed nothing is waited for.
    soon("the server does not wait for the rest", rest(half)).await;
    for (what, body, stream) in large {
        let answer = soon("an answer that is made is sent", rest(stream)).await;
        assert_eq!(answer.matches('x').count(), LARGE, "{what} {body:?}");
    }
    server.end.add_permits(slow.len());
    for stream in slow {
        let answer = soon("an answer is made", rest(stream)).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
    soon("then the server ends", server.served)
        .await
        .unwrap()
        .unwrap();
}
