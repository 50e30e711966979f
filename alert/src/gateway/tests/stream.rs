//! Server-sent events.

use super::*;
use axum::body::BodyDataStream;
use futures::StreamExt;

async fn subscribe(house: &House) -> BodyDataStream {
    let request = request(Method::GET, "/api/events", Some(Role::Viewer)).body(Body::empty()).unwrap();
    let response = house.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut stream = response.into_body().into_data_stream();
    assert_eq!(next(&mut stream).await.unwrap(), ": wanglou\n\n");
    stream
}

async fn next(stream: &mut BodyDataStream) -> Option<String> {
    stream.next().await.map(|frame| String::from_utf8(frame.unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn everybody_is_told() {
    let house = House::open().await;
    let mut streams = [subscribe(&house).await, subscribe(&house).await];
    house.gateway.hub.tell("pulse", "{\"v\":1}".into());
    for stream in &mut streams {
        assert_eq!(next(stream).await.unwrap(), "event: pulse\ndata: {\"v\":1}\n\n");
    }
}

#[tokio::test]
async fn a_slow_reader_is_told_to_reload_and_holds_up_nobody() {
    let house = House::open().await;
    let mut slow = subscribe(&house).await;
    for n in 0..600 {
        house.gateway.hub.tell("pulse", n.to_string());
    }
    assert_eq!(next(&mut slow).await.unwrap(), "event: reload\ndata: {}\n\n");
    assert_eq!(next(&mut slow).await.unwrap(), "event: pulse\ndata: 88\n\n");
}

#[tokio::test]
async fn a_stop_ends_the_stream() {
    let house = House::open().await;
    let mut stream = subscribe(&house).await;
    house.gateway.shutdown.cancel();
    assert_eq!(next(&mut stream).await, None);
}
