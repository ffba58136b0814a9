// Package arn takes Amazon Resource Names apart and puts them together:
// arn:partition:service:region:account:resource. Only the form is checked here;
// what a service accepts as a resource is the service's business.
package arn
