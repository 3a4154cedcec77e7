package websocket

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// crowdAddress makes the test binary a client process: it opens crowdCount sockets there and
// holds them until its input ends, so that their memory is not the server's.
const (
	crowdAddress = "WEBSOCKET_CROWD_ADDRESS"
	crowdTLS     = "WEBSOCKET_CROWD_TLS"
	crowdCount   = "WEBSOCKET_CROWD_COUNT"
)

func TestMain(m *testing.M) {
	if addr := os.Getenv(crowdAddress); addr != "" {
		if err := crowd(addr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func crowd(addr string) error {
	n, err := strconv.Atoi(os.Getenv(crowdCount))
	if err != nil {
		return err
	}
	held := make([]net.Conn, n)
	for i := range held {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		if os.Getenv(crowdTLS) != "" {
			c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
		}
		held[i] = c
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != 101 {
			return fmt.Errorf("no WebSocket: %v %w", resp, err)
		}
		if _, err := c.Write(fr(fin|text, "hello")); err != nil {
			return err
		}
		b := make([]byte, 7)
		if _, err := io.ReadFull(c, b); err != nil {
			return err
		}
	}
	fmt.Println("here")
	_, err = io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(held)
	return err
}

// BenchmarkParked is the memory of a connection that waits, after it had one message each way.
func BenchmarkParked(b *testing.B) {
	for _, kind := range []string{"plain", "tls", "tls,watched"} {
		b.Run(kind, func(b *testing.B) {
			replaceable = kind == "tls,watched"
			defer func() { replaceable = false }()
			const n = 2000
			for range b.N {
				parked(b, kind != "plain", n)
			}
		})
	}
}

func parked(b *testing.B, encrypted bool, n int) {
	set := NewSet(nil)
	defer set.Close()
	srv := newServer(set, encrypted, func(c *Conn) { c.Start(newEcho(c), 0) })
	defer srv.Close()
	heap, resident := memoryNow(b)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crowdAddress+"="+srv.Listener.Addr().String(), crowdCount+"="+strconv.Itoa(n))
	if encrypted {
		cmd.Env = append(cmd.Env, crowdTLS+"=1")
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		b.Fatal(line, err)
	}
	time.Sleep(200 * time.Millisecond)
	heapAfter, residentAfter := memoryNow(b)
	b.ReportMetric(float64(heapAfter-heap)/float64(n), "heap-bytes/conn")
	b.ReportMetric(float64(residentAfter-resident)/float64(n), "resident-bytes/conn")
	b.ReportMetric(float64(runtime.NumGoroutine())/float64(n), "goroutines/conn")
	if set.Len() != n {
		b.Fatalf("%d connections", set.Len())
	}
}

// memoryNow is the heap and stacks in use, and what is resident.
func memoryNow(b *testing.B) (heap, resident int64) {
	debug.FreeOSMemory()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("memory is read from /proc")
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return int64(m.HeapAlloc + m.StackInuse), kb << 10
}
