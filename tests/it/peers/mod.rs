//! Programs that we did not write, where the outside world begins: a mail server and a text message gateway. They run as
//! plain processes on loopback, in folders of their own; `make test` installs them, a plain `cargo test` leaves these out.

mod kannel;
mod mail;

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

/// A program that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Starts a program; what it says goes into a file beside its own.
fn run(command: &mut Command, log: &Path) -> Running {
    let file = File::create(log).expect("a log");
    command.current_dir(log.parent().expect("a folder"));
    let child =
        command.stdin(std::process::Stdio::null()).stdout(file.try_clone().expect("a log")).stderr(file).spawn();
    Running(child.unwrap_or_else(|fault| panic!("{command:?}: {fault} (tests/install.sh peer)")))
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

/// Waits until somebody listens there.
async fn listens(port: u16, log: &Path) {
    for _ in 0..200 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody listens on {port}:\n{}", std::fs::read_to_string(log).unwrap_or_default());
}
