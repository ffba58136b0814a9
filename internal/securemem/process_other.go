//go:build !linux

package securemem

import "errors"

// HardenProcess reports that nothing could be done on this system.
func HardenProcess() (Hardening, error) {
	return Hardening{}, errors.New("securemem: process hardening is available on Linux only")
}
