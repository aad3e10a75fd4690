// Package smstest holds the contract of an SMSC's client, and a centre in the process
// of the test that passes it.
package smstest

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"

	"entree/internal/devenv/localsmsc"
)

// Fake is a centre in the test's own process. It decodes the letters of ASCII and the
// few others that the contract sends.
type Fake struct {
	listener net.Listener
	mu       sync.Mutex
	next     string
	received []localsmsc.Submitted
	conns    []net.Conn
}

// StartFake starts a centre on a free port of loopback.
func StartFake() (*Fake, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &Fake{listener: l}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conns = append(f.conns, c)
			f.mu.Unlock()
			go f.serve(c)
		}
	}()
	return f, nil
}

// Address returns the address of the centre.
func (f *Fake) Address() string { return f.listener.Addr().String() }

// Next says what the centre does at the next submit_sm, as for localsmsc.Centre.
func (f *Fake) Next(order string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = order
	return nil
}

// Received returns what the centre accepted, the oldest first.
func (f *Fake) Received() ([]localsmsc.Submitted, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]localsmsc.Submitted(nil), f.received...), nil
}

// Stop ends the centre and its connections.
func (f *Fake) Stop() {
	_ = f.listener.Close() // a second call fails
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		_ = c.Close() // it may be closed
	}
}

func (f *Fake) serve(c net.Conn) {
	defer func() { _ = c.Close() }() // it may be closed
	for {
		var h [16]byte
		if _, err := io.ReadFull(c, h[:]); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(h[:])-16)
		if _, err := io.ReadFull(c, body); err != nil {
			return
		}
		command, sequence := binary.BigEndian.Uint32(h[4:]), binary.BigEndian.Uint32(h[12:])
		answer := func(status uint32, content string) { send(c, command|1<<31, status, sequence, content) }
		switch command {
		case 9: // bind_transceiver
			parts := strings.SplitN(string(body), "\x00", 3)
			if parts[0] != localsmsc.SystemID || parts[1] != localsmsc.Password {
				answer(0x0e, "")
				return
			}
			answer(0, "fake\x00")
		case 0x15: // enquire_link
			answer(0, "")
		case 6: // unbind
			answer(0, "")
			return
		case 4: // submit_sm
			if !f.submit(c, body, answer) {
				return
			}
		}
	}
}

// submit answers a submit_sm and reports whether the connection stays open.
func (f *Fake) submit(c net.Conn, body []byte, answer func(uint32, string)) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	order, what, _ := strings.Cut(f.next, " ")
	f.next = ""
	switch order {
	case "drop":
		return false
	case "status":
		status, _ := strconv.Atoi(what)
		answer(uint32(status), "\x00")
		return true
	}
	s := decode(body)
	f.received = append(f.received, s)
	id := fmt.Sprintf("m%d", len(f.received))
	answer(0, id+"\x00")
	if order == "receipt" {
		text := "id:" + id + " sub:001 dlvrd:001 submit date:2611291200 done date:2611291201 stat:" + what + " err:000 text:"
		send(c, 5, 0, 1, "\x00\x01\x01"+s.To+"\x00\x05\x00"+s.From+"\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00"+string([]byte{byte(len(text))})+text)
	}
	return true
}

func send(c net.Conn, command, status, sequence uint32, content string) {
	out := make([]byte, 16, 16+len(content))
	binary.BigEndian.PutUint32(out, uint32(16+len(content)))
	binary.BigEndian.PutUint32(out[4:], command)
	binary.BigEndian.PutUint32(out[8:], status)
	binary.BigEndian.PutUint32(out[12:], sequence)
	_, _ = c.Write(append(out, content...)) // a client that is gone does not read it
}

// decode reads the body of a submit_sm.
func decode(body []byte) (s localsmsc.Submitted) {
	text := func() string {
		before, after, _ := strings.Cut(string(body), "\x00")
		body = []byte(after)
		return before
	}
	text()
	body = body[2:]
	s.From = text()
	body = body[2:]
	s.To = text()
	class := body[0]
	body = body[3:]
	text()
	if s.Validity = text(); s.Validity == "" {
		s.Validity = "-"
	}
	coding, data := body[2], body[5:5+int(body[4])]
	s.Coding, s.Part = fmt.Sprint(coding), "-"
	if class&0x40 != 0 {
		s.Part = fmt.Sprintf("%d/%d/%d", data[3], data[4], data[5])
		data = data[6:]
	}
	if coding == 8 {
		var units []uint16
		for i := 0; i+1 < len(data); i += 2 {
			units = append(units, binary.BigEndian.Uint16(data[i:]))
		}
		s.Text = string(utf16.Decode(units))
		return s
	}
	others := map[byte]rune{0: '@', 4: 'è', 5: 'é', 17: '_', 31: 'É', 127: 'à'}
	afterEscape := map[byte]rune{40: '{', 41: '}', 101: '€'}
	for i := 0; i < len(data); i++ {
		r, ok := others[data[i]]
		switch {
		case data[i] == 27 && i+1 < len(data):
			i++
			r = afterEscape[data[i]]
		case !ok:
			r = rune(data[i])
		}
		s.Text += string(r)
	}
	return s
}
