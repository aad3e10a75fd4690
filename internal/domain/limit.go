package domain

import (
	"fmt"
	"time"
)

// Rate is a limit. Burst acts pass at once and one more every Per/Burst. With
// Window, Burst acts pass in each period of Per, which begins with its first act.
type Rate struct {
	Burst  int
	Per    time.Duration
	Window bool
}

// Act is one act to count under a key.
//
// A part of a limit can be reserved for callers who have done little so far. Few
// marks the key that decides it, the caller's network for example: the caller is
// a newcomer to the keys that follow while at most Few acts, this one included,
// are counted there. Reserve is the number of acts of the burst that are left to
// newcomers.
type Act struct {
	Key     string
	Rate    Rate
	Few     int
	Reserve int
	Leave   int  // acts of the burst that this act must not use
	Soft    bool // a spent rate refuses nothing; with Few, the key only decides who is a newcomer
}

// Spend is a set of acts that pass together or not at all. Without Count they
// have to be possible, and are not counted.
type Spend struct {
	At    time.Time
	Acts  []Act
	Count bool
	// More, if not nil, returns further effects, which depend on what was counted. It
	// must do no I/O.
	More func(Taken) (Effects, error)
}

// Level is the state of one key.
type Level struct {
	Counted int
	Free    time.Time // when the next act is possible
}

// Taken is the outcome of acts that passed.
type Taken struct {
	Levels   []Level // of each act, after it was counted
	Newcomer bool
}

// LimitError reports the act that a limit refused. No act was counted.
type LimitError struct {
	Act   int // index of the act
	Key   string
	Retry time.Time // when it is possible again
	// Latest, if set, means that the stored counter is later than any act could make
	// it, because the clock was put back. The counter must be lowered to Latest.
	Latest time.Time
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("limit %s is spent until %s", e.Key, e.Retry.UTC().Format(time.RFC3339))
}
