"""What vmtrace says when it is interrupted, as by Ctrl-C, and its status then."""

LINE = "vmtrace: interrupted"
STATUS = 130  # 128 + SIGINT, as a shell reports it
