package inplace

// Longer returns the list with one more element at its end, for the caller to write: it is whatever stood there before, if there was
// room, and zero otherwise.
func Longer[T any](list []T) []T {
	if n := len(list); n < cap(list) {
		return list[:n+1]
	}
	var zero T
	return append(list, zero)
}
