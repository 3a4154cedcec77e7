package serialize

import "fmt"

// State is how far a worker has come. It only grows.
type State uint8

// The states, with Aworker's numbers.
const (
	Bootstrapping State = iota // next: all but Bootstrapping
	Serialized                 // it parked, or will; next: Deserialized, ForkPrepared
	Deserialized               // of a snapshot; next: Serialized of a seed made from one, Installed
	ForkPrepared               // it is a child; next: Installed
	Installed                  // next: Activated
	Activated
)

var stateNames = [...]string{"bootstrapping", "serialized", "deserialized", "fork prepared", "installed", "activated"}

func (s State) String() string { return stateNames[s] }

// become goes on to a later state. To go back is a mistake of this package, with one
// exception: a snapshot that goes on as a seed parks again.
func (s *State) become(next State) {
	again := *s == Deserialized && next == Serialized
	if next <= *s && !again {
		panic(fmt.Sprintf("serialize: a worker that is %s cannot become %s", *s, next))
	}
	*s = next
}
