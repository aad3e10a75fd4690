package app

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"entree/internal/config"
)

// Lines have their time in UTC and the usual attributes, in both formats and from derived
// loggers too.
func TestS39_LogLinesAreInUTC(t *testing.T) {
	record := slog.NewRecord(time.Date(2026, 9, 1, 8, 0, 0, 0, time.FixedZone("", 2*3600)), slog.LevelWarn, "late", 0)
	write := func(format string) string {
		var b bytes.Buffer
		h := NewLog(config.Log{Level: "warn", Format: format}, &b).With("request", "7K3F").WithGroup("g").Handler()
		if h.Enabled(context.Background(), slog.LevelInfo) || !h.Enabled(context.Background(), slog.LevelWarn) {
			t.Error("the level is not that of the configuration")
		}
		if err := h.Handle(context.Background(), record); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(write("json")), &line); err != nil {
		t.Fatal(err)
	}
	if line["time"] != "2026-09-01T06:00:00Z" || line["level"] != "WARN" || line["msg"] != "late" || line["request"] != "7K3F" {
		t.Errorf("%v", line)
	}
	if text := write("text"); !strings.HasPrefix(text, "time=2026-09-01T06:00:00.000Z level=WARN msg=late request=7K3F") {
		t.Errorf("%s", text)
	}
}
