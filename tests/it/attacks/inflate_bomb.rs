//! The query string that unpacks without end.
//!
//! DEFLATE shrinks a run of spaces a thousandfold, so a URL of 40 kilobytes becomes 40 megabytes, and two hundred of them
//! fill a server (CVE-2026-2575, CVE-2023-28119, CVE-2025-25293). What is unpacked is cut off at the size of the largest
//! message that is read at all. A stream that ends early, goes on behind its end, or is wrapped differently, is none.

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use signet::saml::binding::{BindingError, MAX_MESSAGE_BYTES};

use super::door;
use super::scene::{Refusal, deflate, percent, refusal_of_redirect, unsigned};

fn verdict(compressed: &[u8]) -> Refusal {
    refusal_of_redirect(format!("SAMLRequest={}", percent(&BASE64.encode(compressed))))
}

#[test]
fn forty_megabytes_in_forty_kilobytes_are_cut_off() {
    let bomb = deflate(&[b"<a>".to_vec(), vec![b' '; 40 << 20], b"</a>".to_vec()].concat());
    assert!(bomb.len() < 50_000);
    door::open();
    let start = Instant::now();
    assert_eq!(verdict(&bomb), Refusal::Undecodable(BindingError::TooLarge));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn one_octet_more_than_the_largest_message_is_too_large() {
    assert_eq!(verdict(&deflate(&vec![b' '; MAX_MESSAGE_BYTES + 1])), Refusal::Undecodable(BindingError::TooLarge));
    // At the limit it is unpacked, and is no XML.
    assert!(matches!(verdict(&deflate(&vec![b' '; MAX_MESSAGE_BYTES])), Refusal::Undecodable(BindingError::Xml(_))));
}

#[test]
fn data_behind_the_stream_is_refused() {
    let mut twice = deflate(unsigned().as_bytes());
    twice.extend(deflate(b"<hidden/>"));
    assert_eq!(verdict(&twice), Refusal::Undecodable(BindingError::Deflate));
}

#[test]
fn a_stream_that_ends_early_is_refused() {
    let whole = deflate(unsigned().as_bytes());
    assert_eq!(verdict(&whole[..whole.len() - 10]), Refusal::Undecodable(BindingError::Deflate));
}

#[test]
fn a_message_that_is_not_compressed_or_wrapped_in_zlib_is_refused() {
    assert_eq!(verdict(unsigned().as_bytes()), Refusal::Undecodable(BindingError::Deflate));
    let mut zlib = vec![0x78, 0xda];
    zlib.extend(deflate(unsigned().as_bytes()));
    assert_eq!(verdict(&zlib), Refusal::Undecodable(BindingError::Deflate));
}
