package domain

import (
	"context"
	"fmt"
	"time"
)

// Channel is a way to reach a person.
type Channel string

// ChannelMail is e-mail, the channel of a message that names none.
const ChannelMail Channel = "mail"

// Contact is a value at which a person can be reached through a channel.
type Contact struct {
	Channel  Channel
	Value    string    // an Address in its normal form for ChannelMail
	Source   string    // "enrolment": the import or the help desk
	FailedAt time.Time // since when messages do not arrive; zero: they do, as far as is known
}

// Contacts returns the contacts of a person, the preferred one first. A person
// without an address has none.
func (p Person) Contacts() []Contact {
	if p.Email == "" {
		return nil
	}
	c := Contact{Channel: ChannelMail, Value: string(p.Email), Source: "enrolment"}
	if p.AddressWrong() {
		c.FailedAt = p.WrongSince
	}
	return []Contact{c}
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
