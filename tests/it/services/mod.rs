//! Mail server and text message gateway, played on loopback: what Signet says to them, and what it makes of their answers.

mod kannel;
mod smtp;
