package outcome

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"entree/internal/domain"
)

// Progress prints the progress of an import: on a terminal on one line that
// changes, elsewhere on a new line every five seconds.
type Progress struct {
	out        io.Writer
	done       func() float64
	isTerminal bool
	isShown    bool
	began      time.Time
	printed    time.Time
}

// NewProgress returns the progress of an import that begins now. done returns
// the share of the file that was read, from 0 to 1; 0 means that it is unknown.
func NewProgress(out io.Writer, done func() float64) *Progress {
	return &Progress{out: out, done: done, isTerminal: isTerminal(out), began: time.Now(), printed: time.Now()}
}

// isTerminal reports whether out is a terminal.
func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Update prints the phase and the number of lines read, unless it printed a
// short time ago.
func (p *Progress) Update(phase domain.ImportPhase, lines int) {
	every := 5 * time.Second
	if p.isTerminal {
		every = 200 * time.Millisecond
	}
	now := time.Now()
	if now.Sub(p.printed) < every {
		return
	}
	p.printed = now
	text := string(phase)
	if lines > 0 {
		text += fmt.Sprintf(" %d lines", lines)
	}
	if spent := now.Sub(p.began); phase == domain.PhaseReading {
		text += fmt.Sprintf(", %.0f a second", float64(lines)/spent.Seconds())
		if done := p.done(); done > 0 {
			left := time.Duration(float64(spent) * (1 - done) / done)
			text += fmt.Sprintf(", %.0f %%, about %s left to read", 100*done, left.Round(time.Second))
		}
	}
	if !p.isTerminal {
		fmt.Fprintln(p.out, text)
		return
	}
	p.isShown = true
	fmt.Fprint(p.out, "\r"+text+strings.Repeat(" ", max(0, 70-len(text))))
}

// Clear removes the progress from the terminal's line.
func (p *Progress) Clear() {
	if p.isShown {
		p.isShown = false
		fmt.Fprint(p.out, "\r"+strings.Repeat(" ", 78)+"\r")
	}
}

// Status is a text on the last line of a terminal. It prints nothing elsewhere: a log
// of cron holds no control characters.
type Status struct {
	out        io.Writer
	isTerminal bool
}

// NewStatus returns the status of a command that prints to out.
func NewStatus(out io.Writer) Status { return Status{out, isTerminal(out)} }

// Show replaces the text. An empty format removes it.
func (s Status) Show(format string, args ...any) {
	if s.isTerminal {
		fmt.Fprint(s.out, "\r\x1b[K"+fmt.Sprintf(format, args...))
	}
}

// Warn prints a line that stays, on any output.
func (s Status) Warn(line string) { fmt.Fprintln(s.out, "! "+line) }
