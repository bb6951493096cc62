# The lab's own Jupyter settings; the user's are neither read nor changed.
c = get_config()  # noqa: F821

# On this machine only. Jupyter's own token stays; root is common in a container.
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.allow_root = True

# Warnings only; the address to open is printed all the same.
c.Application.log_level = 30

# Notebooks use the Python that labkit is installed in, not a kernel of the user's.
c.KernelSpecManager.allowed_kernelspecs = {"python3"}
c.MultiKernelManager.default_kernel_name = "python3"
