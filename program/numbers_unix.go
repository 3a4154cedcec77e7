//go:build unix

package program

import "syscall"

func cpuNumbers() map[string]any {
	var u syscall.Rusage
	// It cannot fail for the process itself.
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return map[string]any{"user": micros(u.Utime), "system": micros(u.Stime)}
}

func micros(t syscall.Timeval) float64 { return float64(t.Sec)*1e6 + float64(t.Usec) }

func resourceNumbers() map[string]any {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return map[string]any{
		"userCPUTime": micros(u.Utime), "systemCPUTime": micros(u.Stime), "maxRSS": float64(u.Maxrss), "sharedMemorySize": float64(u.Ixrss),
		"unsharedDataSize": float64(u.Idrss), "unsharedStackSize": float64(u.Isrss), "minorPageFault": float64(u.Minflt), "majorPageFault": float64(u.Majflt),
		"swappedOut": float64(u.Nswap), "fsRead": float64(u.Inblock), "fsWrite": float64(u.Oublock), "ipcSent": float64(u.Msgsnd), "ipcReceived": float64(u.Msgrcv),
		"signalsCount": float64(u.Nsignals), "voluntaryContextSwitches": float64(u.Nvcsw), "involuntaryContextSwitches": float64(u.Nivcsw),
	}
}
