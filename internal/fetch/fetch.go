// Package fetch downloads files whose digest is known beforehand, or small documents whose digest is not, over HTTP.
package fetch
