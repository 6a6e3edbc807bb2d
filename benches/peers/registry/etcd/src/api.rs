//! The part of etcd's gRPC that the bench speaks, by field number.

use prost::{Message, Oneof};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Streaming};
use tonic_prost::ProstCodec;

/// `Compare.target`: how often a key was put since it was created.
const VERSION: i32 = 0;

#[derive(Clone, PartialEq, Message)]
pub struct Compare {
    #[prost(int32, tag = "2")]
    target: i32,
    #[prost(bytes = "vec", tag = "3")]
    key: Vec<u8>,
    #[prost(oneof = "Expected", tags = "4")]
    expected: Option<Expected>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum Expected {
    #[prost(int64, tag = "4")]
    Version(i64),
}

#[derive(Clone, PartialEq, Message)]
pub struct Operation {
    #[prost(oneof = "Asked", tags = "1, 2")]
    request: Option<Asked>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum Asked {
    #[prost(message, tag = "1")]
    Range(Key),
    #[prost(message, tag = "2")]
    Put(Pair),
}

#[derive(Clone, PartialEq, Message)]
pub struct Key {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Pair {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Transaction {
    #[prost(message, repeated, tag = "1")]
    compare: Vec<Compare>,
    #[prost(message, repeated, tag = "2")]
    success: Vec<Operation>,
    #[prost(message, repeated, tag = "3")]
    failure: Vec<Operation>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Header {
    #[prost(int64, tag = "3")]
    revision: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct Outcome {
    #[prost(message, optional, tag = "1")]
    header: Option<Header>,
    #[prost(bool, tag = "2")]
    succeeded: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct WatchRequest {
    #[prost(message, optional, tag = "1")]
    create: Option<Key>,
}

#[derive(Clone, PartialEq, Message)]
pub struct WatchResponse {
    #[prost(bool, tag = "3")]
    pub created: bool,
    #[prost(bool, tag = "4")]
    pub canceled: bool,
    #[prost(message, repeated, tag = "11")]
    pub events: Vec<Event>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Event {
    #[prost(message, optional, tag = "2")]
    pub pair: Option<Stored>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Stored {
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
    #[prost(int64, tag = "3")]
    pub revision: i64,
    #[prost(bytes = "vec", tag = "5")]
    pub value: Vec<u8>,
}

/// A connection.
#[derive(Clone)]
pub struct Etcd {
    grpc: Grpc<Channel>,
}

impl Etcd {
    pub async fn connect(url: &str) -> Self {
        let endpoint = Endpoint::from_shared(url.to_owned()).expect("a URL").tcp_nodelay(true);
        let channel = endpoint.connect().await.expect("etcd answers");
        Self { grpc: Grpc::new(channel) }
    }

    /// Puts a value if the key has this version, else reads it. Returns the revision of the put.
    pub async fn put(&mut self, key: &str, version: i64, value: Vec<u8>) -> i64 {
        let key = key.as_bytes().to_vec();
        let expected = Some(Expected::Version(version));
        let transaction = Transaction {
            compare: vec![Compare { target: VERSION, key: key.clone(), expected }],
            success: vec![Operation { request: Some(Asked::Put(Pair { key: key.clone(), value })) }],
            failure: vec![Operation { request: Some(Asked::Range(Key { key })) }],
        };
        self.grpc.ready().await.expect("etcd answers");
        let path = PathAndQuery::from_static("/etcdserverpb.KV/Txn");
        let codec = ProstCodec::<Transaction, Outcome>::default();
        let outcome = self.grpc.unary(Request::new(transaction), path, codec).await.expect("an outcome").into_inner();
        assert!(outcome.succeeded, "nobody else puts this key");
        outcome.header.expect("a header").revision
    }

    /// Opens one stream with so many watches of a key, all of them in place when this returns.
    pub async fn watch(&mut self, key: &str, watches: usize) -> Streaming<WatchResponse> {
        let create = Some(Key { key: key.as_bytes().to_vec() });
        // The stream of requests stays open: at its end etcd ends the watches.
        let requests = tokio_stream::iter(vec![WatchRequest { create }; watches]);
        let requests = tokio_stream::StreamExt::chain(requests, tokio_stream::pending());
        self.grpc.ready().await.expect("etcd answers");
        let path = PathAndQuery::from_static("/etcdserverpb.Watch/Watch");
        let codec = ProstCodec::<WatchRequest, WatchResponse>::default();
        let mut answers = self.grpc.streaming(Request::new(requests), path, codec).await.expect("a stream").into_inner();
        for _ in 0..watches {
            let answer = answers.message().await.expect("an answer").expect("an open stream");
            assert!(answer.created && !answer.canceled);
        }
        answers
    }
}
