//! An answer's body as it arrives, from a connection or from a service inside this process.

use bytes::{Bytes, BytesMut};
use hyper::body::Incoming;
use wharf_core::provider::TransportFailure;

use crate::client::{self, Begun, Failure};

pub(crate) enum Source {
    Remote(Incoming, Begun),
    /// Whole already; taken at once.
    Local(Option<Bytes>),
}

impl Source {
    /// How many bytes the head promised; only a hint until they are there.
    pub(crate) fn announced(&self) -> Option<u64> {
        match self {
            Self::Remote(body, _) => client::announced(body),
            Self::Local(bytes) => bytes.as_ref().map(|bytes| bytes.len() as u64),
        }
    }

    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        match self {
            Self::Remote(body, begun) => client::chunk(body, begun).await,
            Self::Local(bytes) => Ok(bytes.take().filter(|bytes| !bytes.is_empty())),
        }
    }

    /// Reads to the end, up to the cap. Nothing beyond it is held.
    pub(crate) async fn read(&mut self, bytes_max: usize) -> Result<Bytes, Failure> {
        let too_large = || {
            Failure::new(
                TransportFailure::BodyTooLarge,
                format!("the answer has more than {bytes_max} bytes"),
            )
        };
        let announced = self.announced().unwrap_or(0);
        if announced > bytes_max as u64 {
            return Err(too_large());
        }
        let Some(first) = self.chunk().await? else {
            return Ok(Bytes::new());
        };
        if first.len() as u64 == announced {
            return Ok(first);
        }
        // Bounded by the check above.
        let mut body = BytesMut::with_capacity(announced as usize);
        let mut next = Some(first);
        while let Some(chunk) = next {
            if body.len() + chunk.len() > bytes_max {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
            next = self.chunk().await?;
        }
        Ok(body.freeze())
    }
}
