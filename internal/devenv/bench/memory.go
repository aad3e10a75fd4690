package bench

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Memory is the memory of a process, sampled during a run.
type Memory struct {
	Most int64   `json:"most_bytes"` // the kernel's own high-water mark
	Over []int64 `json:"over_time"`  // ten values from the beginning to the end, each the maximum of its tenth of the run
	all  []int64
}

func (m Memory) String() string {
	var over []string
	for _, b := range m.Over {
		over = append(over, fmt.Sprintf("%d", b>>20))
	}
	return fmt.Sprintf("%d MB at most; over time, in tenths: %s MB", m.Most>>20, strings.Join(over, " "))
}

// Watch samples a process until ctx ends. Read the result from the channel.
func Watch(ctx context.Context, pid int) <-chan Memory {
	out := make(chan Memory, 1)
	go func() {
		var m Memory
		defer func() { out <- m.whole() }()
		every := time.NewTicker(100 * time.Millisecond)
		defer every.Stop()
		for {
			now, most, err := MemoryOf(pid)
			if err != nil {
				return // the process has ended
			}
			m.all, m.Most = append(m.all, now), max(m.Most, most)
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
		}
	}()
	return out
}

func (m Memory) whole() Memory {
	const parts = 10
	for i := range parts {
		var most int64
		for _, b := range m.all[len(m.all)*i/parts : len(m.all)*(i+1)/parts] {
			most = max(most, b)
		}
		if most > 0 {
			m.Over = append(m.Over, most)
		}
	}
	return m
}
