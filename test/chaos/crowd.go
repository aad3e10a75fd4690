package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"entree/internal/devenv/scripted"
)

// crowd holds all students of a run.
type crowd struct {
	*stand
	mu       sync.Mutex
	chance   *rand.Rand
	next     int
	students []*scripted.Student
	shared   map[*scripted.Student]bool // students with two browsers
	submits  []scripted.Submit
	lives    []*life
	attacks  map[string]int // compared codes, by the number of the attacked student
	still    int            // number of students who have not finished
}

func newCrowd(w *stand, chance *rand.Rand) *crowd {
	return &crowd{stand: w, chance: chance, shared: map[*scripted.Student]bool{}, attacks: map[string]int{}}
}

// student returns the browsers of the next student: some click twice, some type a
// wrong code first, some use two browsers.
func (c *crowd) student(browsers int) []*scripted.Student {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next >= len(c.people) {
		return nil
	}
	p := c.people[c.next]
	c.next++
	var out []*scripted.Student
	if browsers == 0 {
		browsers = 1 + c.chance.IntN(8)/7
	}
	for b := range browsers {
		s := scripted.NewStudent(p, c.config.BaseURL, c, net.IPv4(127, byte(1+b), byte(c.next>>8), byte(c.next)))
		s.Submitted = c.submitted
		switch c.chance.IntN(6) {
		case 0, 1:
			s.Twice = 2 + c.chance.IntN(2)
		case 2:
			s.Slips = 1
		}
		out = append(out, s)
		c.students = append(c.students, s)
		c.shared[s] = browsers > 1
	}
	return out
}

func (c *crowd) submitted(s scripted.Submit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.submits = append(c.submits, s)
}

// come starts one student after the other until open is done, and then waits
// until the students who have begun finish.
func (c *crowd) come(ctx, open context.Context) {
	for open.Err() == nil {
		students := c.student(0)
		if students == nil {
			return
		}
		var both sync.WaitGroup
		for _, s := range students {
			both.Go(func() {
				c.mu.Lock()
				c.still++
				c.mu.Unlock()
				limit, cancel := context.WithTimeout(ctx, time.Hour)
				defer cancel()
				go func() { // a student waits for at most three minutes after the end
					select {
					case <-open.Done():
						wait(limit, 3*time.Minute)
						cancel()
					case <-limit.Done():
					}
				}()
				_ = s.Go(limit) // check verifies the outcome
				if s.Outcome == scripted.Success && len(students) == 1 {
					c.live(limit, s)
				}
				c.mu.Lock()
				c.still--
				c.mu.Unlock()
			})
		}
		both.Wait()
	}
}

// guess tries codes for one student after the other, in several journeys at
// once.
func (c *crowd) guess(ctx, open context.Context) {
	for open.Err() == nil {
		victims := c.student(3)
		if victims == nil {
			return
		}
		var all sync.WaitGroup
		for _, s := range victims {
			s.Twice, s.Slips = 4, 100
			s.Submitted = func(sent scripted.Submit) {
				c.mu.Lock()
				defer c.mu.Unlock()
				if sent.Answer == scripted.Wrong {
					c.attacks[s.Number]++
				}
			}
			all.Go(func() {
				limit, cancel := context.WithTimeout(ctx, 2*time.Minute)
				defer cancel()
				_ = s.Go(limit)
				if s.Outcome == "" { // a guesser may give up at any step
					s.Outcome = scripted.Waits
				}
			})
		}
		all.Wait()
		wait(open, 5*time.Second)
	}
}

// settle waits for the students who have not finished.
func (c *crowd) settle(ctx context.Context) {
	for ctx.Err() == nil {
		c.mu.Lock()
		still := c.still
		c.mu.Unlock()
		if still == 0 {
			return
		}
		say("%d on their way", still)
		wait(ctx, 5*time.Second)
	}
}

func (c *crowd) figures() (students, activated, waited, retries int) {
	for _, s := range c.students {
		students++
		retries += s.Retries
		switch s.Outcome {
		case scripted.Success, scripted.Already:
			activated++
		case scripted.Waits:
			waited++
		}
	}
	return students, activated, waited, retries
}

// mostCompared is the threat model's figure: guesses compared for one account in a
// day.
const mostCompared = 44

// limits returns the violations of I6: more guesses compared for an address
// than the limit allows.
func (c *crowd) limits() (breaks []string, checked int) {
	for number, compared := range c.attacks {
		checked++
		if compared > mostCompared {
			breaks = append(breaks, fmt.Sprintf("I6: %d guesses were compared for %s", compared, number))
		}
	}
	return breaks, checked
}
