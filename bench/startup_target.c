/* SPDX-License-Identifier: BSD-3-Clause
 * A program that does nothing: what starting it costs is the cost of the libraries it names. */
int main(void) { return 0; }
