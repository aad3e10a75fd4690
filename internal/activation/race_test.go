//go:build race

package activation_test

import "flag"

// The race detector needs few drawn cases: it finds a race in each of them. The cases
// themselves are drawn without it.
func init() { _ = flag.Set("rapid.checks", "20") }
