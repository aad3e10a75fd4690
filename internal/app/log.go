package app

import (
	"context"
	"io"
	"log/slog"

	"entree/internal/config"
)

// NewLog returns a logger that writes structured lines with times in UTC (S39).
func NewLog(c config.Log, to io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // checked when the configuration was read
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "text" {
		return slog.New(utc{slog.NewTextHandler(to, options)})
	}
	return slog.New(utc{slog.NewJSONHandler(to, options)})
}

// utc writes the times of lines in UTC. A ReplaceAttr that does so would be called for
// each attribute, and would make the JSON handler encode the level by reflection.
type utc struct{ slog.Handler }

// Handle implements slog.Handler.
func (h utc) Handle(ctx context.Context, r slog.Record) error {
	r.Time = r.Time.UTC()
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h utc) WithAttrs(attrs []slog.Attr) slog.Handler { return utc{h.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (h utc) WithGroup(name string) slog.Handler { return utc{h.Handler.WithGroup(name)} }
