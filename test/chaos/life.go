package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"entree/internal/devenv/realm"
	"entree/internal/devenv/scripted"
	"entree/internal/domain"
	"entree/internal/store"
)

// life is what a student did after the activation: passwords that were chosen anew, and
// a change of the address that the old mailbox may have taken back.
type life struct {
	scripted.Person
	login     string
	passwords []string // in the order in which they were chosen
	sure      int      // number of passwords up to the last one whose success was shown
	moved     string   // address that the student asked for; empty: none
	isMoved   bool     // the page of the account showed it
	object    bool     // the link of the notice was pressed
	isBack    bool     // its page said that the old address is in use again
}

// live lets a student with an account forget the password, twice with luck and without
// waiting for the first change, and change the address.
func (c *crowd) live(ctx context.Context, s *scripted.Student) {
	c.mu.Lock()
	forgets, impatient, moves, objects := c.chance.IntN(3) == 0, c.chance.IntN(2) == 0, c.chance.IntN(3) == 0, c.chance.IntN(2) == 0
	c.mu.Unlock()
	if !forgets && !moves {
		return
	}
	l := &life{Person: s.Person, login: s.Shown, passwords: []string{s.Password}, sure: 1}
	s.Password = "" // check looks at those of the life
	if forgets {
		if impatient {
			c.forget(ctx, l, "/activation/en-cours")
		}
		c.forget(ctx, l, "")
	}
	if moves && l.sure == len(l.passwords) {
		l.moved = "moved." + l.Email
		l.isMoved = c.tries(ctx, func() (bool, error) { return c.move(ctx, l) })
		if objects && l.isMoved {
			l.object = true
			l.isBack = c.tries(ctx, func() (bool, error) { return c.takeBack(ctx, l) })
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lives = append(c.lives, l)
}

// forget chooses a new password. It ends at the page until, if the student comes there.
func (c *crowd) forget(ctx context.Context, l *life, until string) {
	s := scripted.NewStudent(l.Person, c.config.BaseURL, c, nil)
	s.Recovers = true
	_ = s.Until(ctx, "/activation/mot-de-passe")
	if s.At == nil || s.At.Path != "/activation/mot-de-passe" {
		return
	}
	s.Password = s.Doc.Find(".phrases code").First().Text()
	if s.Password == "" {
		s.Password = "LesGirafesDansent" + fmt.Sprint(len(l.passwords)) + "Valses" + l.Number
	}
	l.passwords = append(l.passwords, s.Password)
	_ = s.Until(ctx, until)
	if s.Outcome == scripted.Success {
		l.sure = len(l.passwords)
	}
}

// tries repeats an act that a fault may interrupt, as a student does.
func (c *crowd) tries(ctx context.Context, act func() (bool, error)) bool {
	for range 6 {
		done, err := act()
		if done && err == nil {
			return true
		}
		if wait(ctx, time.Second); ctx.Err() != nil {
			return false
		}
	}
	return false
}

// browser returns a browser without cookies, whose every request uses a new connection.
func (c *crowd) browser() *scripted.Browser {
	return scripted.NewBrowser(net.IPv4(127, 0, 0, 1), 30*time.Second)
}

// move changes the address from the page of the account.
func (c *crowd) move(ctx context.Context, l *life) (bool, error) {
	b := c.browser()
	defer b.Close()
	if err := b.Get(ctx, c.config.BaseURL+"/compte"); err != nil {
		return false, err
	}
	if err := b.Submit(ctx, "/login-actions/authenticate", map[string]string{"username": l.login, "password": l.passwords[len(l.passwords)-1]}); err != nil {
		return false, err
	}
	if b.At.Path == "/compte" && strings.Contains(b.Text("main"), l.moved) {
		return true, nil // an earlier try did it, and its answer was lost
	}
	if err := b.Get(ctx, "/compte/adresse"); err != nil {
		return false, err
	}
	before := len(c.Messages(l.moved))
	if err := b.Submit(ctx, "/compte/adresse", map[string]string{"adresse": l.moved}); err != nil {
		return false, err
	}
	limit, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	mail, err := c.Wait(limit, l.moved, before+1)
	if err != nil {
		return false, err
	}
	if err := b.Submit(ctx, "/activation/identification", map[string]string{"code": mail.Code()}); err != nil {
		return false, err
	}
	return b.At.Path == "/compte" && strings.Contains(b.Text("main"), l.moved), nil
}

var takeBackLink = regexp.MustCompile(`/compte/adresse/pas-moi/[A-Za-z0-9_-]+`)

// takeBack presses the button behind the link of the notice in the old mailbox.
func (c *crowd) takeBack(ctx context.Context, l *life) (bool, error) {
	for _, m := range c.Messages(l.Email) {
		link := takeBackLink.FindString(m.Text)
		if link == "" {
			continue
		}
		b := c.browser()
		defer b.Close()
		if err := b.Get(ctx, c.config.BaseURL+link); err != nil {
			return false, err
		}
		if b.Form(link) != nil {
			if err := b.Submit(ctx, link, nil); err != nil {
				return false, err
			}
		}
		return b.Status == 200 && b.Form(link) == nil && strings.Contains(b.Text("h1"), "annulé"), nil
	}
	return false, errors.New("no notice came yet")
}

// lived returns the broken invariants of the lives: a password that is not the newest
// one, an address without a proof, a change that was lost or came back, and an account
// with another address.
func (w *stand) lived(ctx context.Context, db *store.Store, lives []*life) (breaks []string, checked int, err error) {
	users, err := w.realm.Users(ctx)
	if err != nil {
		return nil, 0, err
	}
	// An older password is a wrong one, and two wrong ones within a second lock the account.
	if _, err := w.realm.Call(ctx, http.MethodPut, w.realm.At(), map[string]any{"bruteForceProtected": false}, nil); err != nil {
		return nil, 0, err
	}
	for _, l := range lives {
		p, err := db.PersonByNumber(ctx, l.Profile, l.Number)
		if err != nil {
			return nil, 0, err
		}
		in := make([]bool, len(l.passwords))
		for i, password := range l.passwords {
			if in[i], err = w.realm.LogsIn(ctx, p.Login, password); err != nil {
				return nil, 0, err
			}
		}
		checked += len(in) + 2
		if slices.Contains(in[:l.sure-1], true) {
			breaks = append(breaks, fmt.Sprintf("an older password of %s came back: %v log in, success was shown for number %d", l.Number, in, l.sure))
		}
		if !slices.Contains(in[l.sure-1:], true) {
			breaks = append(breaks, fmt.Sprintf("I3: %s was shown success, and none of the %d passwords since logs in", l.Number, len(in)-l.sure+1))
		}
		breaks = append(breaks, l.misplaced(p, users)...)
	}
	return breaks, checked, nil
}

// misplaced returns the broken invariants of a person's address, in words.
func (l *life) misplaced(p domain.Person, users []realm.User) (breaks []string) {
	at := string(p.Email)
	switch {
	case at != l.Email && at != l.moved:
		breaks = append(breaks, fmt.Sprintf("%s has the address %s, which nobody asked for", l.Number, at))
	case l.isBack && at != l.Email:
		breaks = append(breaks, fmt.Sprintf("%s has the address %s, which was taken back", l.Number, at))
	case l.isMoved && !l.object && at != l.moved:
		breaks = append(breaks, fmt.Sprintf("%s lost the change of address", l.Number))
	}
	for _, u := range users {
		if u.Username == p.Login && u.Attribute(domain.AttributeAddress) != at {
			breaks = append(breaks, fmt.Sprintf("the account of %s has the address %q, the registry %q", l.Number, u.Attribute(domain.AttributeAddress), at))
		}
	}
	return breaks
}
