//! What bad luck does to a shop, seen from outside: killed processes, full disks, a database that is away, and what was on
//! the disk when somebody was told that it was done.

mod away;
mod full;
mod kills;
mod locked;
mod proxy;
mod shopper;
mod synced;
mod torn;
