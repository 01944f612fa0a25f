//! Organizations do not know of each other: not by ids in bodies, not by one person in two of them,
//! not by a statement that forgets whose rows it reads.

mod references;
mod walls;
