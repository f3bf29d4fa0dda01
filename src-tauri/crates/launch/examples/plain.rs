//! A plain program that does nothing but say that it ran: for the tests.

fn main() {
    if let Err(why) = pmpo_launch::hand_over() {
        println!("{why}");
    }
    println!("plain");
}
