// Package replay records what a script is given and gives it again.
//
// A script computes the same from the same inputs. What it does not determine itself comes
// through isolate.Host and the network: time, random numbers, the environment, the answers
// of requests, and the order in which timers and background work completed. A Tape is the
// Host of one run and a Network its network: recorded, they make a log; another run that
// is given the log stands, at its end, where the first one stood, and has waited for nothing. A
// run that does otherwise than the log says has diverged, and says so once.
//
// Words: a log is the entries of a tape and the answers of a network; an exchange is one
// request with its answer; a tape is live where inputs come from the machine and are not
// noted.
//
// # Concurrency
//
// The methods of a Tape that are isolate.Host's, and those of a Network, may be called from any
// goroutine. The others belong to the goroutine that drives the run's loop.
package replay
