package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"entree/internal/config"
	"entree/internal/domain"
	"entree/internal/store"
	"entree/internal/webhook"
)

// NewWebhooks returns the webhooks of the configuration.
func NewWebhooks(c config.Config) *webhook.Webhooks {
	return webhook.New(webhook.Options{Endpoints: c.Endpoints(), Keys: c.Keys, Clock: time.Now, Random: rand.Reader, Roots: c.Roots()})
}

// SendAgain schedules dead letters again and returns their number. No ids: all dead
// letters, at most 100,000.
func SendAgain(ctx context.Context, c config.Config, s *store.Store, ids []string) (int, error) {
	if len(ids) == 0 {
		letters, err := s.DeadLetters(ctx, 100_000)
		if err != nil {
			return 0, err
		}
		for _, l := range letters {
			ids = append(ids, l.ID)
		}
	}
	deadline := NewWebhooks(c).Deadline()
	for n, id := range ids {
		err := s.SendAgain(ctx, id, deadline)
		if errors.Is(err, domain.ErrNotFound) {
			return n, fmt.Errorf("%s is no dead letter", id)
		}
		if err != nil {
			return n, err
		}
	}
	return len(ids), nil
}
