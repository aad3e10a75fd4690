package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of the counters in /proc: USER_HZ, which is 100 on all
// platforms that Go supports.
const tick = 10 * time.Millisecond

// cpu returns the processor time that a process and its children, including
// those that have ended, have used since their start.
func cpu(pid int) (time.Duration, error) {
	found, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	all := map[int]counters{}
	for _, file := range found {
		if c, ok := read(file); ok {
			id, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			all[id] = c
		}
	}
	if _, ok := all[pid]; !ok {
		return 0, fmt.Errorf("process %d does not exist", pid)
	}
	var total time.Duration
	for id, c := range all {
		for at := id; at > 1; at = all[at].parent {
			if at == pid {
				total += c.own + c.ended
				break
			}
		}
	}
	return total, nil
}

// compilers returns the processor time of a Java process's compilers. It is exact
// if Java keeps its compiler threads (FixedCompilers), because the counters of a thread
// that has ended are gone.
func compilers(pid int) (total time.Duration, err error) {
	found, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, file := range found {
		// The kernel keeps 15 characters of "C2 CompilerThread0".
		if c, ok := read(file); ok && strings.HasSuffix(c.name, " CompilerThre") {
			total += c.own
		}
	}
	return total, err
}

// counters are the processor times of a process or a thread.
type counters struct {
	name       string
	parent     int
	own, ended time.Duration // ended: of the children that have ended
}

// read reads a file stat of /proc. It returns false if the process or thread has ended.
func read(file string) (c counters, ok bool) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return c, false
	}
	// The name is in parentheses and may contain any character.
	begin, end := bytes.IndexByte(raw, '('), bytes.LastIndexByte(raw, ')')
	if begin < 0 || end < begin {
		return c, false
	}
	fields := strings.Fields(string(raw[end+1:]))
	if len(fields) < 15 {
		return c, false
	}
	c.name = string(raw[begin+1 : end])
	c.parent, _ = strconv.Atoi(fields[1])
	for i, f := range fields[11:15] { // utime, stime, cutime, cstime
		n, _ := strconv.ParseInt(f, 10, 64)
		if i < 2 {
			c.own += time.Duration(n) * tick
		} else {
			c.ended += time.Duration(n) * tick
		}
	}
	return c, true
}

// machineCPU returns the time that all processors of the machine were busy or idle, for
// any program. It is 0 if the kernel does not say.
func machineCPU() (busy, idle time.Duration) {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	for i, f := range strings.Fields(line) { // cpu user nice system idle iowait irq softirq steal guest …
		n, _ := strconv.ParseInt(f, 10, 64)
		switch i {
		case 4, 5:
			idle += time.Duration(n) * tick
		case 1, 2, 3, 6, 7, 8:
			busy += time.Duration(n) * tick
		}
	}
	return busy, idle
}

// OwnCPU returns the processor time of the current process.
func OwnCPU() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// MemoryOf returns the resident memory of a process, now and at its peak, in bytes.
func MemoryOf(pid int) (now, most int64, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.SplitSeq(string(raw), "\n") {
		name, value, _ := strings.Cut(line, ":")
		n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			now = n << 10
		case "VmHWM":
			most = n << 10
		}
	}
	if now == 0 {
		return 0, 0, errors.New("no memory told")
	}
	return now, most, nil
}

// PeakOf returns the peak resident memory of an ended process, in bytes. The
// kernel includes the memory that the parent had when it forked the process.
func PeakOf(ended *os.ProcessState) int64 {
	usage, _ := ended.SysUsage().(*syscall.Rusage)
	if usage == nil {
		return 0
	}
	return usage.Maxrss << 10
}

// processor returns the name of the machine's processor.
func processor() string {
	raw, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.SplitSeq(string(raw), "\n") {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
