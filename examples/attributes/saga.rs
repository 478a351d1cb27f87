//! `#[saga]`: a flight and a hotel, or neither.
//!
//! ```sh
//! cargo run --example saga
//! ```

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use resilience::{Runtime, saga, saga_step};

#[saga_step(compensate = cancel_flight)]
async fn book_flight(#[state] bookings: &Bookings, traveller: &str) -> Result<String, TripError> {
    bookings.add(format!("flight for {traveller}"))
}

/// The step's parameters, then what it returned.
async fn cancel_flight(
    bookings: &Bookings,
    _traveller: &str,
    flight: &str,
) -> Result<(), TripError> {
    println!("  cancelled: {flight}");
    bookings.remove(flight)
}

#[saga_step(compensate = cancel_hotel)]
async fn book_hotel(#[state] bookings: &Bookings, traveller: &str) -> Result<String, TripError> {
    if traveller == "Grace" {
        return Err(TripError("there is no room".to_owned()));
    }
    bookings.add(format!("room for {traveller}"))
}

async fn cancel_hotel(bookings: &Bookings, _traveller: &str, room: &str) -> Result<(), TripError> {
    bookings.remove(room)
}

#[saga]
async fn trip(#[state] bookings: &Bookings, traveller: String) -> Result<String, TripError> {
    let flight = book_flight(bookings, &traveller).await?;
    let room = book_hotel(bookings, &traveller).await?;
    Ok(format!("{flight}, {room}"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let bookings = Bookings::default();
    // In memory, for the example; with `sqlite://trips.db` the next process finishes, or undoes,
    // what this one leaves behind.
    let runtime = Runtime::builder("memory:")
        .state(bookings.clone())
        .open()
        .await?;

    let booked = trip(&bookings, "Ada".to_owned()).await?;
    println!("Ada: {booked}");

    println!("Grace:");
    let failed = trip(&bookings, "Grace".to_owned()).await;
    println!("  {failed:?}");
    assert!(failed.is_err());

    let left: Vec<_> = bookings.lock().iter().cloned().collect();
    println!("booked at the end: {left:?}");
    assert_eq!(left, ["flight for Ada", "room for Ada"]);
    runtime.shutdown().await;
    Ok(())
}

#[derive(Debug)]
struct TripError(String);

impl From<resilience::Error> for TripError {
    fn from(error: resilience::Error) -> Self {
        Self(error.to_string())
    }
}

impl std::fmt::Display for TripError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for TripError {}

/// What is booked somewhere else. A set: a step and its compensation may run twice.
#[derive(Clone, Default)]
struct Bookings(Arc<Mutex<BTreeSet<String>>>);

impl Bookings {
    fn add(&self, booking: String) -> Result<String, TripError> {
        self.lock().insert(booking.clone());
        Ok(booking)
    }

    fn remove(&self, booking: &str) -> Result<(), TripError> {
        self.lock().remove(booking);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
