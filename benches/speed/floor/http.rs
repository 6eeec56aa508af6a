//! An accept loop over hyper, which is faster than that of `warp::serve`.

use ecommerce_benches::Failure;
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::net::TcpListener;
use warp::{Filter, Rejection, reply::Response};

pub async fn serve(
    listener: TcpListener,
    routes: impl Filter<Extract = (Response,), Error = Rejection> + Clone + Send + Sync + 'static,
) -> Result<(), Failure> {
    let service = TowerToHyperService::new(warp::service(routes));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
        tokio::spawn(async move {
            // Clients hang up.
            let _ = connection.await;
        });
    }
}
