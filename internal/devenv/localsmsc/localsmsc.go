// Package localsmsc runs a simulated SMSC for the tests, on a port of loopback. It
// speaks SMPP 3.4 by Net::SMPP, which knows nothing of the portal's own client.
package localsmsc

import (
	"context"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"entree/internal/devenv/child"
)

//go:embed smsc.pl
var script []byte

// The account of the portal at the centre.
const (
	SystemID = "portal"
	Password = "secret"
)

// Centre is a running SMSC.
type Centre struct {
	Dir, Address string
	child        *child.Child
}

// Submitted is one submit_sm that the centre accepted.
type Submitted struct {
	From, To, Coding string
	Part             string // "reference/parts/part" of a concatenated text, or "-"
	Validity         string // "-" for none
	Text             string
}

// Start starts a centre whose files are in dir, and returns when it answers.
func Start(ctx context.Context, dir string) (*Centre, error) {
	if err := exec.CommandContext(ctx, "perl", "-MNet::SMPP", "-e", "1").Run(); err != nil {
		return nil, errors.New("no Net::SMPP: install it (on Debian: apt-get install libnet-smpp-perl)")
	}
	port, err := child.FreePort()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "smsc.pl")
	if err := os.WriteFile(file, script, 0o600); err != nil {
		return nil, err
	}
	c := &Centre{Dir: dir, Address: fmt.Sprintf("127.0.0.1:%d", port)}
	c.child, err = child.Start(child.Program{Name: "SMSC", Log: filepath.Join(dir, "smsc.log"), Cmd: exec.Command("perl", file, fmt.Sprint(port), dir)})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return c, c.child.Ready(ctx, func(context.Context) bool {
		conn, err := net.Dial("tcp", c.Address)
		return err == nil && conn.Close() == nil
	})
}

// Next says what the centre does at the next submit_sm: "status N", "drop", or
// "receipt STATE".
func (c *Centre) Next(order string) error {
	temporary := filepath.Join(c.Dir, "next.new")
	if err := os.WriteFile(temporary, []byte(order+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, filepath.Join(c.Dir, "next"))
}

// Received returns what the centre accepted, the oldest first.
func (c *Centre) Received() ([]Submitted, error) {
	raw, err := os.ReadFile(filepath.Join(c.Dir, "received"))
	if err != nil {
		return nil, err
	}
	var out []Submitted
	for line := range strings.Lines(string(raw)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 6 {
			return nil, fmt.Errorf("a line of %d fields", len(f))
		}
		text, err := hex.DecodeString(f[5])
		if err != nil {
			return nil, err
		}
		out = append(out, Submitted{f[0], f[1], f[2], f[3], f[4], string(text)})
	}
	return out, nil
}

// Stop ends the centre.
func (c *Centre) Stop() { c.child.Stop() }
