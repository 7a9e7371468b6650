"""What is known of an edge: pictures, features, gradients, and how to judge an adapter."""
