//go:build race

package activation_test

import "flag"

// Under the race detector 20 drawn cases suffice, because each case runs the same
// concurrent code. A run without the detector draws rapid's default number.
func init() { _ = flag.Set("rapid.checks", "20") }
