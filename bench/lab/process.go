// Package lab starts the programs of a measurement on loopback addresses, each on the CPU that is its, and reads what they use.
package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The CPUs: what is measured has one for itself, what makes the load has the other.
const (
	CPUGateway = 0
	CPULoad    = 1
	CPUAny     = -1 // not bound to one
)

// tick is the unit of CPU time in /proc/PID/stat, which is the same on all Linux systems.
const tick = 10 * time.Millisecond

// Program is how a process is started.
type Program struct {
	Name  string // for messages
	Args  []string
	CPU   int
	Env   []string  // beside that of this process
	Addr  string    // where it will listen; empty: nothing is waited for
	Stdin io.Reader // nil: nothing
}

// Process is a program that runs, with its children: a process group.
type Process struct {
	Name string
	Addr string // where it listens

	cmd    *exec.Cmd
	output bytes.Buffer // read after exited is closed
	exited chan struct{}
	err    error // set before exited is closed
}

// Start runs a program, and returns when it accepts connections.
func Start(ctx context.Context, p Program) (*Process, error) {
	r := &Process{Name: p.Name, Addr: p.Addr, exited: make(chan struct{})}
	args := p.Args
	if p.CPU != CPUAny {
		args = append([]string{"taskset", "-c", strconv.Itoa(p.CPU)}, args...)
	}
	r.cmd = exec.Command(args[0], args[1:]...)
	r.cmd.Env = append(os.Environ(), p.Env...)
	r.cmd.Stdin = p.Stdin
	r.cmd.Stdout, r.cmd.Stderr = &r.output, &r.output
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	go func() {
		r.err = r.cmd.Wait()
		close(r.exited)
	}()
	if err := r.await(ctx); err != nil {
		r.Stop()
		return nil, fmt.Errorf("start %s: %w\n%s", p.Name, err, r.output.Bytes())
	}
	return r, nil
}

// await polls until the program accepts connections.
func (p *Process) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for p.Addr != "" {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.Addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.exited:
			return fmt.Errorf("it ended: %w", errors.Join(p.err, err))
		case <-ctx.Done():
			return fmt.Errorf("it does not listen on %s: %w", p.Addr, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// Stop ends the process and its children, and returns when they are gone.
func (p *Process) Stop() {
	group := -p.cmd.Process.Pid
	_ = syscall.Kill(group, syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(5 * time.Second):
	}
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-p.exited
}

// PID is that of the first process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// CPU is the user and system time that the process and its children have used.
func (p *Process) CPU() (time.Duration, error) {
	var ticks int64
	err := p.each(func(_ string, stat []string) error {
		for _, field := range stat[11:13] {
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return fmt.Errorf("read CPU time of %s: %w", p.Name, err)
			}
			ticks += n
		}
		return nil
	})
	return time.Duration(ticks) * tick, err
}

// RSS is the resident memory of the process and its children, in bytes.
func (p *Process) RSS() (int64, error) {
	var pages int64
	err := p.each(func(_ string, stat []string) error {
		n, err := strconv.ParseInt(stat[21], 10, 64)
		if err != nil {
			return fmt.Errorf("read memory of %s: %w", p.Name, err)
		}
		pages += n
		return nil
	})
	return pages * int64(os.Getpagesize()), err
}

// each visits the processes of the group, with the fields of /proc/PID/stat behind the name.
func (p *Process) each(visit func(dir string, stat []string) error) error {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return fmt.Errorf("list processes: %w", err)
	}
	group := strconv.Itoa(p.PID())
	found := false
	for _, dir := range dirs {
		data, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			continue // it has ended since
		}
		fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
		if len(fields) < 22 || fields[2] != group {
			continue
		}
		found = true
		if err := visit(dir, fields); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("%s has ended", p.Name)
	}
	return nil
}

// FreeAddr returns a loopback address with a port that is free.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}
