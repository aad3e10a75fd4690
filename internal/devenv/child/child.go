// Package child starts the programs that the demo and the tests need, and
// ensures that none of them outlives the process that started it.
//
//	Start ──▶ a group of its own, output into a file ──▶ Ready ──▶ Stop
//	                                                                │
//	            politely first, and after a while for certain ◀─────┘
package child

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Program describes a program to start.
type Program struct {
	Name   string         // name in error messages
	Cmd    *exec.Cmd      // its output must not be set: it goes to Log
	Log    string         // path of a file, truncated at the start
	Polite syscall.Signal // the signal that asks the program to end; 0: SIGTERM
	Grace  time.Duration  // time to end after the signal; 0: 20 seconds
}

// Child is a running or ended program.
type Child struct {
	Program
	done chan struct{} // closed when the program has ended
	stop sync.Once
}

// Start starts a program.
func Start(p Program) (*Child, error) {
	if p.Polite == 0 {
		p.Polite = syscall.SIGTERM
	}
	if p.Grace == 0 {
		p.Grace = 20 * time.Second
	}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the child has its own descriptor
	p.Cmd.Stdout, p.Cmd.Stderr = log, log
	c := &Child{Program: p, done: make(chan struct{})}
	if err := start(p.Cmd, func(error) { close(c.done) }); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	return c, nil
}

// Ready waits until ready returns true. If the program ends first, it returns
// an error with the end of the log.
func (c *Child) Ready(ctx context.Context, ready func(context.Context) bool) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-c.done:
			return fmt.Errorf("%s ended while it was starting; the end of %s:\n%s", c.Name, c.Log, tail(c.Log))
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w; its log is %s", c.Name, ctx.Err(), c.Log)
		case <-tick.C:
		}
		if ready(ctx) {
			return nil
		}
	}
}

// Stop ends the program and its children. The program may have ended already.
func (c *Child) Stop() {
	c.stop.Do(func() {
		select {
		case <-c.done:
			return
		default:
		}
		_ = signal(c.Cmd, c.Polite) // the program may have ended in the meantime
		select {
		case <-c.done:
		case <-time.After(c.Grace):
			_ = signal(c.Cmd, syscall.SIGKILL)
			<-c.done
		}
	})
}

// Signal sends a signal to the program and its children.
func (c *Child) Signal(s syscall.Signal) error { return signal(c.Cmd, s) }

// Kill sends SIGKILL.
func (c *Child) Kill() {
	_ = signal(c.Cmd, syscall.SIGKILL) // the program may have ended already
	<-c.done
}

// Done is closed when the program has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Answers returns a function for Ready that reports whether a GET of the
// address returns 200.
func Answers(address string) func(context.Context) bool {
	client := &http.Client{Timeout: 2 * time.Second}
	return func(ctx context.Context) bool {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return false
		}
		response, err := client.Do(request)
		if err != nil {
			return false
		}
		return response.Body.Close() == nil && response.StatusCode == http.StatusOK
	}
}

// Run runs a program to its end and returns its output. It kills the program
// when ctx is done.
func Run(ctx context.Context, cmd *exec.Cmd) (string, error) {
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	ended := make(chan error, 1)
	if err := start(cmd, func(err error) { ended <- err }); err != nil {
		return "", fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	select {
	case err := <-ended:
		return said.String(), err
	case <-ctx.Done():
		_ = signal(cmd, syscall.SIGKILL)
		return said.String(), errors.Join(ctx.Err(), <-ended)
	}
}

// FreePort returns a port of loopback on which no process listens. The port is
// below the range for outgoing connections, so that it is still free when a
// stopped server starts again.
func FreePort() (int, error) {
	for range 100 {
		n, err := rand.Int(rand.Reader, big.NewInt(32_768-15_000))
		if err != nil {
			return 0, err
		}
		port := 15_000 + int(n.Int64())
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("child: no port of loopback is free")
}

// tail returns the last lines of a log.
func tail(file string) string {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-15):], []byte("\n")))
}
