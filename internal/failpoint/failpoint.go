// Package failpoint kills the program at a named place, so that a test can see
// what a crash there leaves behind.
//
// It is linked with the tag "failpoint" only: cmd/entree then stands a point
// before and behind each port through which an activation reaches its store,
// its queue, Keycloak and the mail server. The program that people run holds
// none of this. docs/adr/0028 has the reasons.
//
//	ENTREE_TEST_FAILPOINT=FILE    FILE names the point to die at, and is removed by dying
//	                              FILE.seen gets each point that was passed
package failpoint

import (
	"os"
	"strings"
	"sync"
)

// Variable names the file.
const Variable = "ENTREE_TEST_FAILPOINT"

var (
	file = os.Getenv(Variable)
	mu   sync.Mutex
	seen = map[string]bool{}
)

// Hit passes a point, or ends the process there as kill -9 does: nothing is
// closed, flushed or answered.
func Hit(name string) {
	if file == "" {
		return
	}
	mu.Lock()
	defer mu.Unlock() // held by the dying one, so that nobody gets further
	if !seen[name] {
		seen[name] = true
		if f, err := os.OpenFile(file+".seen", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
			_, _ = f.WriteString(name + "\n") // a test reads it, and misses what is not there
			_ = f.Close()
		}
	}
	armed, err := os.ReadFile(file)
	if err != nil || strings.TrimSpace(string(armed)) != name {
		return
	}
	_ = os.Remove(file)
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {}
}
