// Package failpoint kills the program at a named point, so that a test can check
// what a crash at that point leaves behind.
//
// It is linked with the build tag "failpoint" only. The program then passes a point
// before and after each call of the store, the queue, Keycloak and the mail server.
// Release builds do not contain it. docs/adr/0028 has the reasons.
//
//	ENTREE_TEST_FAILPOINT=FILE    FILE names the point to die at; the process removes it first
//	                              FILE.seen lists the points that were passed
package failpoint

import (
	"os"
	"strings"
	"sync"
)

// Variable is the environment variable that names the file.
const Variable = "ENTREE_TEST_FAILPOINT"

var (
	file = os.Getenv(Variable)
	mu   sync.Mutex
	seen = map[string]bool{}
)

// Hit records a point. If the file names this point, Hit kills the process as
// kill -9 does: nothing is closed, flushed or answered.
func Hit(name string) {
	if file == "" {
		return
	}
	mu.Lock()
	defer mu.Unlock() // a dying process keeps the lock, so that no other goroutine passes a point
	if !seen[name] {
		seen[name] = true
		if f, err := os.OpenFile(file+".seen", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
			_, _ = f.WriteString(name + "\n") // a test that reads the file fails if the line is missing
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
