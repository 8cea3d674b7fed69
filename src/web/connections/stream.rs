//! A connection that is given up when the other side holds it without using it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_rt::net::{ActixStream, Ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use super::ConnectionLimits;
use super::share::{Share, Shares};
use crate::authentication::network::Network;

/// Below this an answer is not taken but held: a page of ours would take minutes.
const SLOWEST_READER_BYTES_PER_SECOND: u64 = 512;
/// What a request may take after its body is there, until something is written.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);

/// Lets connections in, up to each network's share.
#[derive(Debug, Clone)]
pub(super) struct Door {
    limits: ConnectionLimits,
    held: Shares,
}

impl Door {
    pub(super) fn new(limits: ConnectionLimits) -> Self {
        Self { limits, held: Shares::default() }
    }

    /// Lets a connection in.
    ///
    /// # Errors
    /// When it is gone, or its network has twice its share: then it is to be closed.
    pub(super) fn admit(&self, stream: TcpStream) -> io::Result<WatchedStream> {
        let peer = stream.peer_addr()?;
        let share = match self.limits.per_network {
            Some(most) => {
                let taken = self.held.take(Network::of(peer.ip()).narrowest(), most.saturating_mul(2));
                Some(taken.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionRefused))?)
            }
            None => None,
        };
        let beyond_share =
            share.as_ref().zip(self.limits.per_network).is_some_and(|(share, most)| share.number() > most);
        let silence = self.limits.headers_within + self.limits.body_within + ANSWERED_WITHIN;
        Ok(WatchedStream {
            stream,
            peer,
            beyond_share,
            _share: share,
            silence,
            silent_until: Box::pin(sleep(silence)),
            taken_within: self.limits.answer_taken_within,
            waits_for_reader: None,
        })
    }
}

/// A connection with two clocks. One runs while an answer waits to be taken: a reader who takes next to nothing until it ends
/// is given up. The other runs from answer to answer, so that no connection is held by sending the headers of its second
/// request octet by octet, which the HTTP library does not limit.
pub(super) struct WatchedStream {
    stream: TcpStream,
    peer: SocketAddr,
    beyond_share: bool,
    /// Given back with the connection.
    _share: Option<Share>,
    silence: Duration,
    silent_until: Pin<Box<Sleep>>,
    taken_within: Duration,
    waits_for_reader: Option<WaitsForReader>,
}

/// An answer that could not be written at once.
struct WaitsForReader {
    until: Pin<Box<Sleep>>,
    taken_bytes: u64,
}

impl WatchedStream {
    /// From where it comes.
    pub(super) const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Whether its network had its share before it came: then every request on it is refused.
    pub(super) const fn is_beyond_share(&self) -> bool {
        self.beyond_share
    }

    /// What writing said, with the clocks kept.
    fn wrote(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.silent_until.as_mut().reset(Instant::now() + self.silence);
                if let Some(waits) = &mut self.waits_for_reader {
                    waits.taken_bytes = waits.taken_bytes.saturating_add(bytes as u64);
                }
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                let within = self.taken_within;
                let least = within.as_secs().saturating_mul(SLOWEST_READER_BYTES_PER_SECOND);
                loop {
                    let begin = || WaitsForReader { until: Box::pin(sleep(within)), taken_bytes: 0 };
                    let waits = self.waits_for_reader.get_or_insert_with(begin);
                    ready!(waits.until.as_mut().poll(cx));
                    if waits.taken_bytes < least {
                        return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                    }
                    // Slow, but it reads: the clock begins anew.
                    self.waits_for_reader = None;
                }
            }
        }
    }
}

impl AsyncRead for WatchedStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_read(cx, buffer) {
            Poll::Pending => {
                ready!(this.silent_until.as_mut().poll(cx));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            read @ Poll::Ready(_) => read,
        }
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.wrote(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.wrote(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Everything that was to be written has been taken over.
        this.waits_for_reader = None;
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl ActixStream for WatchedStream {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(&self.stream, cx)
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(&self.stream, cx)
    }
}
