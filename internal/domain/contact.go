package domain

import (
	"context"
	"fmt"
	"time"
)

// Channel is a way to reach a person.
type Channel string

// The channels. A message that names none is a mail.
const (
	ChannelMail Channel = "mail"
	ChannelSMS  Channel = "sms"
)

// TakeBackTime is how long the old address can take a change of address back.
const TakeBackTime = 7 * 24 * time.Hour

// CopyTime limits the retries of writing a personal address into an account. The
// address itself is in the portal's database.
const CopyTime = 14 * 24 * time.Hour

// ContactChange is a change of a personal address by the student. The new address is
// in use at once; until Until the old one can take the change back.
type ContactChange struct {
	ID       string
	Person   PersonID
	Old, New Address
	At       time.Time
	Until    time.Time // equals At if there was no old address
	ClosedAt time.Time // when it was taken back, or made final by an operator
	Closed   Closing
	// KeepsOld says that the old address becomes the second one, in the place of the
	// new one.
	KeepsOld bool
}

// SecondChange puts a second personal address in use, or none if New is empty. It is
// refused with ErrConflict unless the person has a live account and both addresses are
// as they were read.
type SecondChange struct {
	Person   PersonID
	First    Address
	Old, New Address
	At       time.Time
}

// MayTakeBack reports whether the old address can take the change back at a time.
func (c ContactChange) MayTakeBack(at time.Time) bool {
	return c.ClosedAt.IsZero() && at.Before(c.Until)
}

// Closing is how a change of address ended before its time.
type Closing string

// The closings.
const (
	ClosedTakenBack Closing = "taken_back"  // by the old address, or with an earlier change
	ClosedOperator  Closing = "by_operator" // an operator set another address
)

// ContactBack takes a change of address back, and every later change of the person.
// It is refused with ErrConflict unless MayTakeBack holds.
type ContactBack struct {
	ID string
	At time.Time
}

// Contact is a value at which a person can be reached through a channel.
type Contact struct {
	Channel  Channel
	Value    string    // an Address for ChannelMail, a Phone for ChannelSMS
	Source   string    // "enrolment": the import; "chosen": the student or an operator
	FailedAt time.Time // since when messages do not arrive; zero: they do, as far as is known
}

// Contacts returns the contacts of a person, the preferred one first.
func (p Person) Contacts() (out []Contact) {
	if p.Email != "" {
		c := Contact{Channel: ChannelMail, Value: string(p.Email), Source: "enrolment"}
		if p.ChoseAddress() {
			c.Source = "chosen"
		}
		if p.AddressWrong() {
			c.FailedAt = p.WrongSince
		}
		out = append(out, c)
	}
	if a := p.Second(); a != "" {
		c := Contact{Channel: ChannelMail, Value: string(a), Source: "chosen"}
		if p.SecondWrong() {
			c.FailedAt = p.WrongSince
		}
		out = append(out, c)
	}
	if phone := p.Mobile(); phone != "" {
		c := Contact{Channel: ChannelSMS, Value: string(phone), Source: "enrolment"}
		if p.ChosenPhone != "" {
			c.Source = "chosen"
		}
		out = append(out, c)
	}
	return out
}

// Shown returns the value as its owner reads it: an international domain in its own
// letters (V24).
func (c Contact) Shown() string {
	if c.Channel == ChannelSMS {
		return Phone(c.Value).Display()
	}
	return Address(c.Value).Display()
}

// Notifier formats and sends a message through one channel. An error marked Permanent
// is a refusal; after any other error the same Message is sent again.
type Notifier interface {
	Send(ctx context.Context, m Message) error
}

// Notifiers is the notifier of each channel. It is itself a Notifier: it sends a
// message through the message's channel.
type Notifiers map[Channel]Notifier

// Send sends a message through its channel. It returns a permanent error if the
// channel has no notifier.
func (n Notifiers) Send(ctx context.Context, m Message) error {
	channel := m.Channel
	if channel == "" {
		channel = ChannelMail
	}
	notifier, ok := n[channel]
	if !ok {
		return Permanent(fmt.Errorf("no notifier for the channel %q", channel))
	}
	return notifier.Send(ctx, m)
}
