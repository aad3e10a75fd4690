//go:build !linux

package bench

import (
	"os"
	"time"
)

// The counters are read from /proc, which only Linux has. On other systems
// rates and times are measured, costs are 0 and ratios of costs are left out.
func cpu(int) (time.Duration, error)            { return 0, nil }
func compilers(int) (time.Duration, error)      { return 0, nil }
func OwnCPU() (time.Duration, error)            { return 0, nil }
func MemoryOf(int) (now, most int64, err error) { return 0, 0, nil }
func PeakOf(*os.ProcessState) int64             { return 0 }
func processor() string                         { return "unknown" }
func machineCPU() (busy, idle time.Duration)    { return 0, 0 }
