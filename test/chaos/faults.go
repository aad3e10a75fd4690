package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"time"

	"entree/internal/devenv/localkeycloak"
	"entree/internal/devenv/mailbox"
)

// fault breaks a part and returns the function that repairs it.
type fault struct {
	part, name string
	kill       bool
	most       time.Duration // maximum duration; 0: four seconds
	begin      func(context.Context) (mend func(context.Context) error, err error)
}

// faults injects faults.
type faults struct {
	*stand
	chance       *rand.Rand
	all          []fault
	count, kills int
}

func newFaults(w *stand, chance *rand.Rand) *faults {
	f := &faults{stand: w, chance: chance}
	for i, instance := range w.instances {
		name := fmt.Sprintf("instance %d", i+1)
		f.all = append(f.all,
			fault{part: name, name: "kill -9", kill: true, begin: func(context.Context) (func(context.Context) error, error) {
				instance.Kill()
				return func(ctx context.Context) error { return w.again(ctx, instance) }, nil
			}},
			fault{part: name, name: "SIGTERM", kill: true, begin: func(context.Context) (func(context.Context) error, error) {
				instance.Stop()
				return func(ctx context.Context) error { return w.again(ctx, instance) }, nil
			}},
			fault{part: name, name: "stopped", begin: func(context.Context) (func(context.Context) error, error) {
				return func(context.Context) error { return instance.Signal(syscall.SIGCONT) }, instance.Signal(syscall.SIGSTOP)
			}},
		)
	}
	f.all = append(f.all,
		fault{part: "nginx", name: "kill -9", kill: true, most: time.Second, begin: func(context.Context) (func(context.Context) error, error) {
			w.proxy.Kill()
			return w.proxy.Start, nil
		}},
		fault{part: "nginx", name: "stopped", most: 2 * time.Second, begin: func(context.Context) (func(context.Context) error, error) {
			return func(context.Context) error { return w.proxy.Signal(syscall.SIGCONT) }, w.proxy.Signal(syscall.SIGSTOP)
		}},
		fault{part: "postgres", name: "kill -9", kill: true, most: 2 * time.Second, begin: func(context.Context) (func(context.Context) error, error) {
			w.postgres.Kill()
			return w.postgres.Again, nil
		}},
		f.stop("postgres", func() int { return w.postgres.PID() }),
		f.stop("keycloak", func() int { return w.keycloak.PID() }),
		fault{part: "keycloak", name: "kill -9", kill: true, begin: func(context.Context) (func(context.Context) error, error) {
			if err := syscall.Kill(w.keycloak.PID(), syscall.SIGKILL); err != nil {
				return nil, err
			}
			w.keycloak.Stop()
			return func(ctx context.Context) (err error) {
				w.keycloak, err = localkeycloak.Start(ctx, w.home)
				return err
			}, nil
		}},
		fault{part: "mail", name: "restarted", kill: true, begin: func(context.Context) (func(context.Context) error, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			_ = w.box.Close()
			return func(context.Context) error {
				w.mu.Lock()
				defer w.mu.Unlock()
				var box *mailbox.Mailbox
				var err error
				if box, err = mailbox.Start(w.boxAt); err == nil {
					w.box = box
				}
				return err
			}, nil
		}},
		f.refuses("rcpt", "451 to everybody"),
		f.refuses("done", "451 after it took the mail"),
	)
	for _, part := range []string{"postgres", "keycloak", "mail"} {
		f.all = append(f.all,
			f.toxic(part, "slow", "upstream", "latency", `"latency": 400, "jitter": 300`),
			f.toxic(part, "loses answers", "downstream", "limit_data", `"bytes": 0`),
			f.toxic(part, "black hole", "downstream", "timeout", `"timeout": 0`),
			fault{part: part, name: "cut off", begin: func(context.Context) (func(context.Context) error, error) {
				link := w.links[part]
				link.Stop()
				return func(context.Context) error { return link.Start() }, nil
			}},
		)
	}
	return f
}

// stop suspends a server and its children with SIGSTOP, like a machine that
// hangs.
func (f *faults) stop(part string, pid func() int) fault {
	return fault{part: part, name: "stopped", begin: func(context.Context) (func(context.Context) error, error) {
		all := children(pid())
		for _, p := range all {
			_ = syscall.Kill(p, syscall.SIGSTOP) // a child may have ended
		}
		return func(context.Context) error {
			for _, p := range all {
				_ = syscall.Kill(p, syscall.SIGCONT)
			}
			return nil
		}, nil
	}}
}

func (f *faults) refuses(stage, name string) fault {
	return fault{part: "mail", name: name, begin: func(context.Context) (func(context.Context) error, error) {
		f.answer.Store(&stage)
		return func(context.Context) error { f.answer.Store(nil); return nil }, nil
	}}
}

func (f *faults) toxic(part, name, stream, kind, attributes string) fault {
	return fault{part: part, name: name, begin: func(context.Context) (func(context.Context) error, error) {
		toxics := f.links[part].Toxics
		_, err := toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(`{"name": %q, "type": %q, "stream": %q, "attributes": {%s}}`, kind, kind, stream, attributes)))
		return func(ctx context.Context) error { return toxics.RemoveToxic(ctx, kind) }, err
	}}
}

// inject breaks one part after the other until ctx is done, sometimes two at
// once, each for a short time. At the end it repairs all of them. It returns at
// once if a part cannot be repaired, because the rest of the run would prove
// nothing.
func (f *faults) inject(ctx context.Context) error {
	var under sync.WaitGroup
	var mu sync.Mutex
	var failed error
	busy := map[string]bool{} // broken parts: a part has at most one fault at a time
	room := make(chan struct{}, 2)
	lastKeycloak := time.Time{}
	for {
		pick := f.all[f.chance.IntN(len(f.all))]
		most := pick.most
		if most == 0 {
			most = 4 * time.Second
		}
		lasts := time.Duration(f.chance.Int64N(int64(most))) + 200*time.Millisecond
		pause := time.Duration(f.chance.Int64N(int64(1500 * time.Millisecond)))
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		mu.Lock()
		if failed != nil {
			mu.Unlock()
			break
		}
		taken := busy[pick.part]
		// Keycloak restarts slowly, so it is killed at most once a minute.
		rest := pick.part == "keycloak" && pick.kill && time.Since(lastKeycloak) < time.Minute
		if !taken && !rest {
			busy[pick.part] = true
			if pick.part == "keycloak" && pick.kill {
				lastKeycloak = time.Now()
			}
		}
		mu.Unlock()
		if taken || rest {
			<-room
			continue
		}
		say("%s: %s, for %.1f s", pick.part, pick.name, lasts.Seconds())
		f.count++
		if pick.kill {
			f.kills++
		}
		mend, err := pick.begin(ctx)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", pick.part, pick.name, err)
		}
		under.Go(func() {
			wait(ctx, lasts)
			// Repair also when ctx is done.
			limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute)
			defer cancel()
			err := mend(limit)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("mend %s after %s: %w", pick.part, pick.name, err))
			}
			busy[pick.part] = false
			<-room
		})
		wait(ctx, pause)
	}
	under.Wait()
	return failed
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
